-- no-transaction
-- What waits for an endpoint, the oldest event first.
create index concurrently if not exists deliveries_waiting on deliveries (endpoint_id, event_id) where state = 'delivering';
