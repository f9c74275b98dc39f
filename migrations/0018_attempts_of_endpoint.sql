-- no-transaction
-- The attempts of an endpoint, the newest first.
create index concurrently if not exists delivery_attempts_of_endpoint on delivery_attempts (endpoint_id, succeeded, id);
