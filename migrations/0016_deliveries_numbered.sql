-- no-transaction
-- Replaces deliveries_once: a resend is another delivery of the same event.
create unique index concurrently if not exists deliveries_numbered on deliveries (event_id, endpoint_id, resend);
