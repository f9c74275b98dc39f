-- A resend is another delivery of the same event; deliveries_numbered keeps each once.
alter table deliveries drop constraint deliveries_once;
