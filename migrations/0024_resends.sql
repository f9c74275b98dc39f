-- A resend is another delivery of the same event; deliveries_numbered keeps each once.
set local lock_timeout = '5s';
alter table deliveries drop constraint deliveries_once;
