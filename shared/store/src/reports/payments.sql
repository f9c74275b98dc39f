-- The payments in a range of ids, against their attempts, card, customer, intent, refunds, key and job. $3: the
-- states of a payment that holds an approval; $4: that needs its card; $5: that has a job; $6: that is final.
-- $7: the state of an approved attempt; $8: the states of an undecided one; $9: of one in progress; $10: the
-- state of a refund that failed. $11: the currencies with their exponents, as "code, exponent"; $12: what an
-- intent is paid in, as "intent's currency, payment's currency". $13: how many seconds an idempotency key is
-- kept; $14: how many a payment may take; $15: the most attempts; $16: the states of a payment that began
-- without a card.
with p as materialized (
    select id, merchant_id, live, state, amount, currency, exponent, customer_id, card_brand, card_last4,
           card_exp_month, card_exp_year, intent_id, refunded, idempotency_key, created_at,
           state = any($5) as has_job
    from payments where id > $1 and id <= $2
), c as materialized (
    select p.*, a.*, r.asked, s.payment_id is not null as is_sealed,
           num_nonnulls(p.card_brand, p.card_last4, p.card_exp_month, p.card_exp_year) as card_fields,
           array[cu.merchant_id::text, cu.live::text] as customer_of,
           array[i.merchant_id::text, i.live::text] as intent_of,
           i.amount as intent_amount, i.currency as intent_currency,
           array[p.merchant_id::text, p.live::text] as owned_by
    from p
    cross join lateral (
        select count(*) as attempts, coalesce(max(attempt), 0) as last_attempt,
               count(*) filter (where state = $7) as approved,
               count(*) filter (where state = any($8)) as undecided,
               min(updated_at) filter (where state = any($9)) as attempting_since
        from authorizations where payment_id = p.id) a
    cross join lateral (
        select coalesce(sum(amount) filter (where state <> $10), 0) as asked
        from refunds where payment_id = p.id) r
    left join sealed_cards s on s.payment_id = p.id
    left join customers cu on cu.id = p.customer_id
    left join intents i on i.id = p.intent_id
)
select 'payment_approval' as "rule!", 'payment' as "kind!", id as "id!",
       case when state = any($3) then '1 approved attempt, 0 undecided' else '0 approved attempts, 0 undecided' end
           as "expected",
       state || ' with ' || approved || ' approved, ' || undecided || ' undecided' as "found"
from c
where approved <> (state = any($3))::int or (undecided > 0 and state <> all($4))
union all
select 'attempt_number', 'payment', id, 'attempts 1 to ' || least(attempts, $15::bigint), attempts || ', the last is ' || last_attempt
from c where attempts <> last_attempt or attempts > $15::bigint
union all
select 'sealed_card', 'payment', id, case when state = any($4) then 'a sealed card' else 'no sealed card' end,
       state || case when is_sealed then ' with a sealed card' else ' without one' end
from c where (state = any($4)) <> is_sealed
union all
select 'payment_card', 'payment', id, case when state = any($16) then 'no card' else 'a card' end,
       card_fields || ' of 4 fields of a card'
from c where card_fields <> case when state = any($16) then 0 else 4 end
union all
select 'payment_customer', 'payment', id, 'a customer of its merchant and mode',
       customer_id || case when customer_of[1] is null then ' is missing' else ' has another' end
from c where customer_id is not null and customer_of is distinct from owned_by
union all
select 'payment_intent', 'payment', id,
       coalesce('merchant and mode of intent ' || intent_id || ', ' || intent_amount || ' ' || intent_currency,
                'intent ' || intent_id),
       case when intent_amount is null then 'no such intent' when intent_of <> owned_by then 'another merchant or mode'
            else amount || ' ' || currency end
from c
where intent_id is not null
  and (intent_of is distinct from owned_by or intent_amount <> amount or intent_currency || ' ' || currency <> all($12))
union all
select 'payment_key', 'payment', id, 'a row for idempotency key ' || c.idempotency_key, 'none'
from c
where idempotency_key is not null and created_at > now() - make_interval(secs => $13::float8 - 60)
  and not exists (select from idempotency_keys k
                  where k.merchant_id = c.merchant_id and k.live = c.live and k.key = c.idempotency_key
                    and k.subject_id = c.id)
union all
select 'payment_refunded', 'payment', id, 'refunded ' || asked || ', the sum of its refunds', 'refunded ' || refunded
from c where refunded <> asked
union all
select 'payment_currency', 'payment', id, 'a currency with its decimals', currency || ' with ' || exponent || ' decimals'
from c where currency || ' ' || exponent <> all($11)
union all
select 'work_has_job', 'payment', id, 'a job of the worker card', state || ' without job'
from c
where (has_job or attempting_since is not null)
  and not exists (select from jobs j where j.id = c.id and j.owner_id = c.id and j.worker = 'card')
union all
select 'work_in_time', 'payment', id, 'final within ' || make_interval(secs => $14),
       case when state = any($6) then 'an attempt in progress since ' || attempting_since else state || ' since ' || created_at end
from c
where (created_at < now() - make_interval(secs => $14) and state <> all($6))
   or attempting_since < now() - make_interval(secs => $14)
