-- The postings in a range of ids, against their causes and entries. $3: the events that post each kind, as "kind,
-- event". The expected entries stand here independently of the code that writes them.
with l as materialized (
    select l.id, l.cause, l.cause_id, l.kind, l.merchant_id, l.live, l.currency, l.at, r.amount as refunded,
           r.updated_at as refunded_at, p.id as payment_id, p.merchant_id as payment_merchant, p.live as payment_live,
           p.currency as payment_currency, p.amount,
           f.exact_fee, round(f.exact_fee, p.exponent::integer) as near, trunc(f.exact_fee, p.exponent::integer) as below
    from ledger_postings l
    left join refunds r on l.cause = 'refund' and r.id = l.cause_id
    left join payments p on p.id = case l.cause when 'payment' then l.cause_id else r.payment_id end
    left join merchants m on m.id = p.merchant_id
    cross join lateral (select least(p.amount * m.fee_basis_points * 0.0001, p.amount) as exact_fee) f
    where l.id > $1 and l.id <= $2
), c as materialized (
    select l.*, e.*, h.at as caused_at,
           -- Half a unit goes to the even neighbour; round() takes it up.
           case when near <> below and near - exact_fee = exact_fee - below
                     and right(below::text, 1) in ('0', '2', '4', '6', '8')
                then below else near end as fee
    from l
    cross join lateral (
        select bool_and((merchant_id, live) = (l.merchant_id, l.live)) as is_own,
               coalesce(sum(amount) filter (where account = 'acquirer_hold'), 0) as acquirer_hold,
               coalesce(sum(amount) filter (where account = 'merchant_hold'), 0) as merchant_hold,
               coalesce(sum(amount) filter (where account = 'acquirer_receivable'), 0) as acquirer_receivable,
               coalesce(sum(amount) filter (where account = 'merchant_balance'), 0) as merchant_balance,
               coalesce(sum(amount) filter (where account = 'fee_revenue'), 0) as fee_revenue
        from ledger_entries where posting_id = l.id) e
    left join lateral (
        select min(at) as at from payment_history
        where l.cause = 'payment' and payment_id = l.cause_id and l.kind || ' ' || event = any($3)) h on true
), x as materialized (
    select c.*, array[acquirer_hold, merchant_hold, acquirer_receivable, merchant_balance, fee_revenue] as entries,
           case when cause = 'payment' and kind = 'hold' then array[amount, -amount, 0, 0, 0]
                when cause = 'payment' and kind = 'release' then array[-amount, amount, 0, 0, 0]
                when cause = 'payment' and kind = 'capture' then array[0, 0, amount, fee - amount, -fee]
                when cause = 'refund' and kind = 'refund' then array[0, 0, -refunded, refunded, 0]
           end as expected
    from c
)
select 'posting_cause' as "rule!", 'posting' as "kind!", id as "id!", 'a ' || cause as "expected",
       cause_id || ' is missing' as "found"
from x where payment_id is null
union all
select 'posting_terms', cause, cause_id, 'merchant, mode and currency ' || payment_currency || ' of the payment',
       kind || ' ' || id || case when currency <> payment_currency then ' in ' || currency else ' of another' end
from x
where payment_id is not null
  and ((merchant_id, live, currency) is distinct from (payment_merchant, payment_live, payment_currency) or not is_own)
union all
select 'posting_entries', x.cause, x.cause_id, coalesce(w.expected, 'no such kind'), x.kind || ' ' || x.id || ': ' || coalesce(w.found, 'no entries')
from x
cross join lateral (
    select string_agg(account || ' ' || e, ', ') filter (where e <> 0) as expected,
           string_agg(account || ' ' || f, ', ') filter (where f <> 0) as found
    from unnest(x.expected, x.entries,
                array['acquirer_hold', 'merchant_hold', 'acquirer_receivable', 'merchant_balance', 'fee_revenue'])
         as u(e, f, account)) w
where x.payment_id is not null and x.entries is distinct from x.expected
union all
select 'posting_time', cause, cause_id, coalesce('posted at ' || coalesce(refunded_at, caused_at), 'an event that posts ' || kind),
       kind || ' ' || id || ' at ' || at
from x
where payment_id is not null and at is distinct from coalesce(refunded_at, caused_at)
