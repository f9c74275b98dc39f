-- The delivery of an endpoint's last test event. While it waits, another test sends it now and adds none, so that
-- tests cannot fill the queue.
alter table webhook_endpoints add column test_delivery_id uuid;

grant update (test_delivery_id) on webhook_endpoints to sluice_api;
