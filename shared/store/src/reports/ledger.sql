-- Every posting balances, every payment has the postings its state asks for, with its amount.
with expected (state, kinds) as (
    values ('created', '{}'::text[]), ('authorizing', '{}'), ('expired', '{}'),
           ('capturing', '{hold}'), ('captured', '{capture,hold,release}')
), posted as (
    select p.id, p.state, p.amount,
           coalesce(array_agg(l.kind order by l.kind) filter (where l.kind is not null), '{}') as kinds
    from payments p
    left join ledger_postings l on l.payment_id = p.id and l.refund_id is null
    group by p.id
), sums as (
    select l.payment_id, l.kind, l.refund_id,
           sum(e.amount) as balance,
           sum(e.amount) filter (where e.amount > 0) as debit,
           bool_and(l.currency = p.currency and e.merchant_id = p.merchant_id and e.live = p.live) as is_own,
           max(coalesce(r.amount, p.amount)) as amount
    from ledger_postings l
    join payments p on p.id = l.payment_id
    left join refunds r on r.id = l.refund_id
    left join ledger_entries e on e.posting_id = l.id
    group by l.payment_id, l.kind, l.refund_id
), given_back as (
    select p.id, p.refunded, coalesce(sum(r.amount) filter (where r.state <> 'failed'), 0) as asked
    from payments p left join refunds r on r.payment_id = p.id
    group by p.id
)
select 'posting balances' as "rule!", payment_id::text as "subject!",
       kind || ' has balance ' || coalesce(balance::text, 'none') as "detail!"
from sums where balance is distinct from 0
union all
select 'posting is on the right accounts', l.payment_id::text, l.kind || ' ' || e.account || ' ' || e.amount
from ledger_postings l
join payments p on p.id = l.payment_id
join ledger_entries e on e.posting_id = l.id
where case
    when (l.kind, e.account) in (('hold', 'acquirer_hold'), ('release', 'merchant_hold'),
                                 ('capture', 'acquirer_receivable')) then e.amount <> p.amount
    when (l.kind, e.account) in (('hold', 'merchant_hold'), ('release', 'acquirer_hold'))
        then e.amount <> -p.amount
    when (l.kind, e.account) in (('capture', 'merchant_balance'), ('capture', 'fee_revenue'))
        then e.amount > 0
    when (l.kind, e.account) = ('refund', 'merchant_balance') then e.amount <= 0
    when (l.kind, e.account) = ('refund', 'acquirer_receivable') then e.amount >= 0
    else true
end
union all
select 'posting says the payment''s amount', payment_id::text, kind || ' says ' || debit
from sums where debit is distinct from amount
union all
select 'a payment counts its refunds', id::text, refunded || ' refunded, refunds say ' || asked
from given_back where refunded <> asked
union all
select 'a refund is posted exactly when it is done', r.id::text, r.state
from refunds r
where (r.state = 'refunded') <> exists (select from ledger_postings l where l.refund_id = r.id)
union all
select 'posting is in the payment''s books', payment_id::text, kind
from sums where not is_own
union all
select 'ledger fits the payment', p.id::text, p.state || ' has postings ' || p.kinds::text
from posted p left join expected x on x.state = p.state
where case p.state when 'failed' then p.kinds not in ('{}', '{hold,release}') else p.kinds <> x.kinds end
