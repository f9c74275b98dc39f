-- no-transaction
-- Finds deleted endpoints, the oldest first.
create index concurrently if not exists webhook_endpoints_by_status on webhook_endpoints (status, updated_at);
