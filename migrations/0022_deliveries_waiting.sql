-- no-transaction
create index concurrently deliveries_waiting on deliveries (endpoint_id, event_id) where state = 'delivering';
