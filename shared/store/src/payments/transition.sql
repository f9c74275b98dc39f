-- Moves payments: each with its attempt, sealed card and effects, or nothing of it. A payment moves
-- only from the version and the state that were read. The rows of a batch are never joined with each
-- other: the planner expects ten of them and would compare each with all.
--
-- $2 says that the disk need not be waited for: what a crash of the database would lose is found
-- again at the acquirer, as after a crash of the worker. Each final outcome is waited for.
with commit_mode as materialized (
    select case when $2 then set_config('synchronous_commit', 'off', true) end as set
), input as (
    select * from jsonb_to_recordset($1) as i(
        ord integer, payment_id uuid, version integer, from_state text, to_state text,
        new_version integer, failure text, fingerprint text, authorization_id uuid,
        authorization_from text, authorization_to text, approved_amount numeric, approval_code text,
        forget_card boolean, verdict_rule text, verdict_declines integer, effects jsonb)
), held as materialized (
    -- The claim that made an attempt deletes it if it sent nothing, even while the next claim is here.
    select a.id from input i
    join authorizations a on a.id = i.authorization_id and a.payment_id = i.payment_id
                         and a.state = i.authorization_from
    for no key update of a
), moved as (
    update payments p
    set state = i.to_state, version = i.new_version, failure = coalesce(i.failure, p.failure),
        card_fingerprint = coalesce(decode(i.fingerprint, 'hex'), p.card_fingerprint),
        updated_at = now()
    from commit_mode, input i
    where p.id = i.payment_id and p.version = i.version and p.state = i.from_state
      and (i.authorization_id is null or i.authorization_id = any(array(select id from held)))
    returning p.id, i.ord, i.new_version, i.authorization_id, i.authorization_from, i.authorization_to,
              i.approved_amount, i.approval_code, i.forget_card, p.merchant_id, p.live, i.verdict_rule,
              i.verdict_declines, i.effects
), attempt as (
    update authorizations a
    set state = m.authorization_to, updated_at = now(), not_found_at = null,
        approved_amount = coalesce(m.approved_amount, a.approved_amount),
        approval_code = coalesce(m.approval_code, a.approval_code)
    from moved m
    where a.id = m.authorization_id and a.payment_id = m.id and a.state = m.authorization_from
), forgotten as (
    delete from sealed_cards where payment_id = any(array(select id from moved where forget_card))
), verdict as (
    insert into risk_verdicts (rule, merchant_id, live, payment_id, declines)
    select verdict_rule, merchant_id, live, id, verdict_declines from moved
    where verdict_rule is not null
), effects as (
    select * from record_effects((select jsonb_agg(effects) from moved))
)
select ord, new_version as version, null::uuid as event_id, null::uuid as delivery_id from moved
union all
select null, null, event_id, delivery_id from effects
