-- no-transaction
create unique index concurrently deliveries_numbered on deliveries (event_id, endpoint_id, resend);
