-- no-transaction
-- Events and lists read no deleted endpoint.
create index concurrently if not exists webhook_endpoints_of_merchant on webhook_endpoints (merchant_id, live)
    where status <> 'deleted';
