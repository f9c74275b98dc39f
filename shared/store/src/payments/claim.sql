-- Claims payments for the card worker and reads them with all their attempts. Where a payment needs a
-- new attempt it is stored here, in the same statement and so before anything is sent, under the claim's
-- own id. $6: the states of payments that want an attempt, $7: the acquirer of a new attempt, $8: its
-- state, $9: the states of an open attempt.
with claimed as (
    select * from claim_jobs('card', $1, $2, $3, $4, $5)
), claimed_payment as (
    select c.lease, c.claims, p.*, a.attempts_made, a.ids, a.numbers, a.states, a.acquirers, a.moved_at,
           p.state = any($6) and not coalesce(a.has_open, false) as opens
    from claimed c
    join payments p on p.id = c.owner_id
    cross join lateral (
        select count(*)::smallint as attempts_made, array_agg(id) as ids, array_agg(attempt) as numbers,
               array_agg(state::text) as states, array_agg(acquirer) as acquirers,
               array_agg(updated_at) as moved_at, bool_or(state = any($9)) as has_open
        from (select * from authorizations where payment_id = p.id order by attempt) of_payment) a
), opened as (
    insert into authorizations (id, payment_id, attempt, state, acquirer)
    select lease, id, attempts_made + 1, $8, $7 from claimed_payment where opens
)
select p.lease as "lease!", p.claims as "claims!", p.id as "id!", p.merchant_id as "merchant_id!",
       p.live as "live!", p.state as "state!", p.failure, p.amount as "amount!",
       p.currency as "currency!", p.method as "method!", p.description, p.metadata as "metadata!",
       p.customer_id, cu.email as "customer_email?", cu.name as "customer_name?",
       cu.phone as "customer_phone?", p.card_brand, p.card_last4, p.card_exp_month, p.card_exp_year,
       p.intent_id, p.checkout, p.refunded as "refunded!", p.created_at as "created_at!",
       p.updated_at as "updated_at!", p.version as "version!",
       greatest(extract(epoch from p.expires_at - now()), 0)::float8 as expires_in,
       m.fee_basis_points as "fee_basis_points!", s.key_id as "key_id?", s.sealed as "sealed?",
       p.opens as "opens!", p.attempts_made as "attempts_made!", p.ids, p.numbers, p.states, p.acquirers,
       p.moved_at, now() as "now!"
from claimed_payment p
join merchants m on m.id = p.merchant_id
left join customers cu on cu.id = p.customer_id
left join sealed_cards s on s.payment_id = p.id
