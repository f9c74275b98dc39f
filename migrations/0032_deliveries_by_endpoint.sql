-- no-transaction
-- A deleted endpoint is itself deleted when no delivery refers to it any more; its foreign key looks here too.
create index concurrently if not exists deliveries_by_endpoint on deliveries (endpoint_id);
