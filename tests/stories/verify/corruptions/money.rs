//! Postings, refunds and amounts.

use store::reports::Rule;

pub const MONEY: [(Rule, &str); 22] = [
    // The whole amount is booked as fee.
    (
        Rule::PostingEntries,
        "with l as (select id, cause_id from ledger_postings where cause_id = pg_temp.pick('captured')),
         gone as (delete from ledger_entries e using l where posting_id = l.id and account = 'merchant_balance')
         update ledger_entries e set amount = -(select amount from payments where id = l.cause_id)
         from l where posting_id = l.id and account = 'fee_revenue' returning l.cause_id",
    ),
    // A cent moves from the merchant to the fee.
    (
        Rule::PostingEntries,
        "update ledger_entries e set amount = amount + case account when 'fee_revenue' then -0.01 else 0.01 end
         from ledger_postings l where l.id = e.posting_id and l.cause_id = pg_temp.pick('captured')
           and account <> 'acquirer_receivable' returning l.cause_id",
    ),
    // A posting does not balance.
    (
        Rule::PostingEntries,
        "update ledger_entries e set amount = amount + 1 from ledger_postings l
         where l.id = e.posting_id and l.cause_id = pg_temp.pick('refund') and account = 'merchant_balance'
         returning l.cause_id",
    ),
    (
        Rule::PostingEntries,
        "delete from ledger_entries e using ledger_postings l
         where l.id = e.posting_id and l.cause_id = pg_temp.pick('captured') returning l.cause_id",
    ),
    (
        Rule::PostingEntries,
        "update ledger_entries e set account = 'acquirer_hold' from ledger_postings l
         where l.id = e.posting_id and l.cause_id = pg_temp.pick('captured') and account = 'acquirer_receivable'
         returning l.cause_id",
    ),
    (
        Rule::PostingTerms,
        "update ledger_postings set currency = 'EUR' where cause_id = pg_temp.pick('captured') returning cause_id",
    ),
    (
        Rule::PostingTerms,
        "update ledger_entries e set merchant_id = pg_temp.pick('other merchant') from ledger_postings l
         where l.id = e.posting_id and l.cause_id = pg_temp.pick('captured') and account = 'merchant_balance'
         returning l.cause_id",
    ),
    // A posting in another month's books.
    (
        Rule::PostingTime,
        "update ledger_postings set at = at - interval '31 days'
         where cause_id = pg_temp.pick('captured') returning cause_id",
    ),
    (
        Rule::PostingTime,
        "update ledger_postings set at = at + interval '1 day'
         where cause_id = pg_temp.pick('refund') returning cause_id",
    ),
    (
        Rule::PostingCause,
        "with l as (
             insert into ledger_postings (id, cause, cause_id, kind, merchant_id, live, currency)
             select overlay(gen_random_uuid()::text placing (select left(max(id::text), 13) from ledger_postings)
                            from 1)::uuid, 'refund', gen_random_uuid(), 'refund', pg_temp.pick('other merchant'), false, 'USD'
             returning id),
         n as (insert into ledger_entries (posting_id, account, merchant_id, live, amount)
             select l.id, account, pg_temp.pick('other merchant'), false, amount
             from l, (values ('merchant_balance', 5), ('acquirer_receivable', -5)) as e(account, amount))
         select id from l",
    ),
    (
        Rule::PostingMissing,
        "insert into ledger_entries (posting_id, account, merchant_id, live, amount)
         values (gen_random_uuid(), 'fee_revenue', pg_temp.pick('other merchant'), false, 7) returning posting_id",
    ),
    (
        Rule::PaymentPostings,
        "with l as (delete from ledger_postings where cause_id = pg_temp.pick('captured') returning id, cause_id),
         n as (delete from ledger_entries e using l where posting_id = l.id)
         select cause_id from l",
    ),
    // A refund that was paid is not in the books.
    (
        Rule::RefundPosting,
        "with l as (delete from ledger_postings where cause_id = pg_temp.pick('refund') returning id, cause_id),
         n as (delete from ledger_entries e using l where posting_id = l.id)
         select cause_id from l",
    ),
    (
        Rule::RefundPosting,
        "update refunds set state = 'refunded' where id = pg_temp.pick('failed refund') returning id",
    ),
    // A refund of another merchant.
    (
        Rule::RefundPayment,
        "update refunds set merchant_id = pg_temp.pick('other merchant')
         where id = pg_temp.pick('refund of an intent') returning id",
    ),
    (
        Rule::RefundPayment,
        "update refunds set payment_id = gen_random_uuid() where id = pg_temp.pick('refund') returning id",
    ),
    (
        Rule::RefundPayment,
        "update refunds set payment_id = pg_temp.pick('declined') where id = pg_temp.pick('failed refund') returning id",
    ),
    (
        Rule::PaymentRefunded,
        "update payments set refunded = 1 where id = pg_temp.pick('captured') returning id",
    ),
    (
        Rule::PaymentRefunded,
        "update refunds set amount = amount + 1 where id = pg_temp.pick('refunding') returning payment_id",
    ),
    // Ten times the money.
    (
        Rule::PaymentCurrency,
        "update payments set exponent = 3 where id = pg_temp.pick('created') returning id",
    ),
    (
        Rule::AttemptAmount,
        "update authorizations set approved_amount = 1 where payment_id = pg_temp.pick('captured') returning id",
    ),
    (
        Rule::PostingEntries,
        "update payments set amount = amount * 10 where id = pg_temp.pick('captured') returning id",
    ),
];
