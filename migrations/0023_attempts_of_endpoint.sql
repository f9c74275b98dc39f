-- no-transaction
create index concurrently delivery_attempts_of_endpoint on delivery_attempts (endpoint_id, succeeded, id);
