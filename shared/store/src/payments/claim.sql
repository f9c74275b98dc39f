-- Claims payments for the card worker and reads them. Where a payment needs a new attempt it is
-- stored here, in the same statement and so before anything is sent, under the claim's own id.
-- $5 ..= $8: how long a reversal is watched, the states that want an attempt, the acquirer of a new
-- one, and the states of an attempt: open, closed but in progress.
with claimed as (
    select * from claim_jobs('card', $1, $2, $3, $4)
), claimed_payment as (
    select c.lease, c.attempts as claims, p.*, a.id as attempt_id, a.attempt, a.state as attempt_state,
           a.acquirer,
           (select count(*) from authorizations t where t.payment_id = p.id)::smallint as attempts_made
    from claimed c
    join payments p on p.id = c.owner_id
    left join authorizations a on a.payment_id = p.id and a.state = any($8)
), opened as (
    insert into authorizations (id, payment_id, attempt, state, acquirer)
    select lease, id, attempts_made + 1, $10, $7
    from claimed_payment where state = any($6) and attempt_id is null
)
select p.lease as "lease!", p.claims as "claims!", p.id as "id!", p.merchant_id as "merchant_id!",
       p.live as "live!", p.state as "state!", p.failure, p.amount as "amount!",
       p.currency as "currency!", p.method as "method!", p.description, p.metadata as "metadata!",
       p.customer_id, cu.email as "customer_email?", cu.name as "customer_name?",
       cu.phone as "customer_phone?", p.card_brand, p.card_last4, p.card_exp_month, p.card_exp_year,
       p.intent_id, p.checkout, p.refunded as "refunded!", p.created_at as "created_at!",
       p.updated_at as "updated_at!", p.version as "version!",
       greatest(extract(epoch from p.expires_at - now()), 0)::float8 as expires_in,
       m.fee_basis_points, s.key_id as "key_id?", s.sealed as "sealed?",
       case when p.state = any($6) then coalesce(p.attempt_id, p.lease) else p.attempt_id end as attempt_id,
       coalesce(p.attempt, p.attempts_made + 1)::smallint as attempt,
       coalesce(p.attempt_state, $10) as attempt_state,
       coalesce(p.acquirer, $7) as acquirer,
       x.ids as "closed_ids?", x.attempts as "closed_attempts?", x.states as "closed_states?",
       x.acquirers as "closed_acquirers?", x.watch_seconds
from claimed_payment p
join merchants m on m.id = p.merchant_id
left join customers cu on cu.id = p.customer_id
left join sealed_cards s on s.payment_id = p.id
left join lateral (
    select array_agg(id order by attempt) as ids, array_agg(attempt order by attempt) as attempts,
           array_agg(state order by attempt) as states,
           array_agg(acquirer order by attempt) as acquirers,
           greatest(extract(epoch from max(updated_at) + make_interval(secs => $5) - now()), 0)::float8
               as watch_seconds
    from authorizations
    where payment_id = p.id and state = any($9)) x on true
