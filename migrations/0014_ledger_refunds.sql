-- no-transaction
-- A merchant's refunds in the ledger, newest first.
create index concurrently if not exists ledger_refunds_of_merchant on ledger_postings (merchant_id, live, id desc)
    where kind = 'refund';
