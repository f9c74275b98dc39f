-- Moves refunds: each with its effects, or nothing of it. A refund moves only from the state that was read;
-- one that fails gives its reserved amount back to the payment.
with input as (
    select * from jsonb_to_recordset($1) as i(
        ord integer, refund_id uuid, from_state text, to_state text, releases boolean, effects jsonb)
), moved as (
    update refunds r set state = i.to_state, updated_at = now()
    from input i
    where r.id = i.refund_id and r.state = i.from_state
    returning r.payment_id, r.amount, i.ord, i.releases, i.effects
), released as (
    update payments p
    set refunded = p.refunded - m.amount, refunded_at = now(),
        updated_at = case when p.intent_id is null then now() else p.updated_at end
    from (select payment_id, sum(amount) as amount from moved where releases group by payment_id) m
    where p.id = m.payment_id
    returning 1
), effects as (
    -- After the payments: the ledger's locks are the last ones.
    select * from record_effects((select jsonb_agg(effects) from moved where (select count(*) from released) >= 0))
)
select ord, null::uuid as event_id, null::uuid as delivery_id from moved
union all
select null, event_id, delivery_id from effects
