-- A resend is another delivery of the same event; deliveries_numbered keeps each once.
alter table deliveries drop constraint deliveries_once;

alter table webhook_endpoints validate constraint webhook_endpoints_disabled_reason_known;
alter table delivery_attempts validate constraint delivery_attempts_response_length;
