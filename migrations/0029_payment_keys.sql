-- The idempotency key of the request that created a payment. Keys are kept for a day; a payment that names
-- one younger than that shows that its row in idempotency_keys was lost, and with it the protection against a
-- second payment. The key is written in the statement that stores the key's row, whose checks hold for both.
alter table payments add column idempotency_key text;
grant insert (idempotency_key) on payments to sluice_accept;
