-- Claims payments for the card worker and reads them. Where a payment needs a new attempt it is
-- stored here, in the same statement and so before anything is sent, under the claim's own id.
with input as (
    select * from unnest($1::uuid[], $2::bigint[], $3::uuid[]) as i(id, seq, lease)
), claimed as (
    update jobs o
    set lease = i.lease,
        leased_until = now() + make_interval(secs => $4),
        due_at = now() + make_interval(secs => $4),
        attempts = least(o.attempts + 1, 1000),
        publish_count = 0
    from input i
    where o.worker = 'card' and o.id = i.id and o.seq = i.seq and o.parked_at is null
      and (o.leased_until is null or o.leased_until < now() or o.lease = i.lease)
    returning o.id, o.lease, o.attempts
), claimed_payment as (
    select c.lease, c.attempts as claims, p.*, a.id as attempt_id, a.attempt, a.state as attempt_state,
           (select count(*) from authorizations t where t.payment_id = p.id)::smallint as attempts_made
    from claimed c
    join payments p on p.id = c.id
    left join authorizations a
      on a.payment_id = p.id and a.state in ('sending', 'enquiring', 'reversing', 'approved')
), opened as (
    insert into authorizations (id, payment_id, attempt, state)
    select lease, id, attempts_made + 1, 'sending'
    from claimed_payment where state = 'authorizing' and attempt_id is null
)
select p.lease as "lease!", p.claims as "claims!", p.id as "id!", p.merchant_id as "merchant_id!",
       p.live as "live!", p.state as "state!", p.failure, p.amount as "amount!",
       p.currency as "currency!", p.description, p.metadata as "metadata!", p.customer_id,
       cu.email as "customer_email?", cu.name as "customer_name?", cu.phone as "customer_phone?",
       p.card_brand, p.card_last4, p.card_exp_month, p.card_exp_year, p.intent_id, p.checkout,
       p.refunded as "refunded!", p.created_at as "created_at!", p.updated_at as "updated_at!",
       p.version as "version!",
       greatest(extract(epoch from p.expires_at - now()), 0)::float8 as expires_in,
       m.fee_basis_points, s.key_id as "key_id?", s.sealed as "sealed?",
       case when p.state = 'authorizing' then coalesce(p.attempt_id, p.lease) else p.attempt_id end as attempt_id,
       coalesce(p.attempt, p.attempts_made + 1)::smallint as attempt,
       coalesce(p.attempt_state, 'sending') as attempt_state,
       x.ids as "closed_ids?", x.attempts as "closed_attempts?", x.states as "closed_states?",
       x.watch_seconds
from claimed_payment p
join merchants m on m.id = p.merchant_id
left join customers cu on cu.id = p.customer_id
left join sealed_cards s on s.payment_id = p.id
left join lateral (
    select array_agg(id order by attempt) as ids, array_agg(attempt order by attempt) as attempts,
           array_agg(state order by attempt) as states,
           greatest(extract(epoch from max(updated_at) + make_interval(secs => $5) - now()), 0)::float8
               as watch_seconds
    from authorizations
    where payment_id = p.id and state in ('voiding', 'watching')) x on true
