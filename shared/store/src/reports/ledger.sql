-- Every posting balances, and every payment has the postings that its state requires, with its amount.
-- $1, $2: each state of a payment and the kinds of its postings, joined by commas; $3: the state of a
-- refund that failed, $4: of one that succeeded.
with posting as (
    select l.*, p.id as payment_id, p.amount as payment_amount, p.currency as payment_currency,
           p.merchant_id as payment_merchant, p.live as payment_live, r.amount as refund_amount
    from ledger_postings l
    left join refunds r on l.cause = 'refund' and r.id = l.cause_id
    join payments p on p.id = coalesce(r.payment_id, l.cause_id)
), expected (state, kinds) as (
    select state, string_to_array(kinds, ',') from unnest($1::text[], $2::text[]) as x(state, kinds)
), posted as (
    select p.id, p.state,
           coalesce(array_agg(l.kind::text order by l.kind) filter (where l.kind is not null), '{}') as kinds
    from payments p
    left join ledger_postings l on l.cause = 'payment' and l.cause_id = p.id
    group by p.id
), sums as (
    select l.payment_id, l.kind, l.id,
           sum(e.amount) as balance,
           sum(e.amount) filter (where e.amount > 0) as debit,
           bool_and(l.currency = l.payment_currency and e.merchant_id = l.payment_merchant
                    and e.live = l.payment_live and l.merchant_id = l.payment_merchant
                    and l.live = l.payment_live) as is_own,
           max(coalesce(l.refund_amount, l.payment_amount)) as amount
    from posting l
    left join ledger_entries e on e.posting_id = l.id
    group by l.payment_id, l.kind, l.id
), refunded as (
    select p.id, p.refunded, coalesce(sum(r.amount) filter (where r.state <> $3), 0) as asked
    from payments p left join refunds r on r.payment_id = p.id
    group by p.id
)
select 'posting balances' as "rule!", payment_id::text as "subject!",
       kind || ' has balance ' || coalesce(balance::text, 'none') as "detail!"
from sums where balance is distinct from 0
union all
select 'posting is on the right accounts', l.payment_id::text, l.kind || ' ' || e.account || ' ' || e.amount
from posting l
join ledger_entries e on e.posting_id = l.id
where case
    when (l.kind, e.account) in (('hold', 'acquirer_hold'), ('release', 'merchant_hold'),
                                 ('capture', 'acquirer_receivable')) then e.amount <> l.payment_amount
    when (l.kind, e.account) in (('hold', 'merchant_hold'), ('release', 'acquirer_hold'))
        then e.amount <> -l.payment_amount
    when (l.kind, e.account) in (('capture', 'merchant_balance'), ('capture', 'fee_revenue'))
        then e.amount > 0
    when (l.kind, e.account) = ('refund', 'merchant_balance') then e.amount <= 0
    when (l.kind, e.account) = ('refund', 'acquirer_receivable') then e.amount >= 0
    else true
end
union all
select 'posting states the payment''s amount', payment_id::text, kind || ' states ' || debit
from sums where debit is distinct from amount
union all
select 'a posting has a cause', id::text, cause || ' ' || cause_id
from ledger_postings l where not exists (select from posting p where p.id = l.id)
union all
select 'a payment counts its refunds', id::text, refunded || ' refunded, refunds sum to ' || asked
from refunded where refunded <> asked
union all
select 'a refund is posted exactly when it is refunded', r.id::text, r.state
from refunds r
where (r.state = $4)
      <> exists (select from ledger_postings l where l.cause = 'refund' and l.cause_id = r.id)
union all
select 'posting has the payment''s merchant and currency', payment_id::text, kind
from sums where not is_own
union all
select 'ledger fits the payment', p.id::text, p.state || ' has postings ' || p.kinds::text
from posted p
where not exists (select from expected x where x.state = p.state and x.kinds = p.kinds)
