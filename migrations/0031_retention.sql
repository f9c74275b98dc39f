-- What the scheduler deletes of events and deliveries (see shared/store/src/retention.rs).

-- The smallest version 7 UUID of a time. Ids of events are such UUIDs, so that old events are found by their
-- primary key, and their deliveries and attempts by theirs.
create function first_id_at(at timestamptz) returns uuid language sql stable parallel safe as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

grant select (id, subject_id), delete on events to sluice_scheduler;
grant select (id, event_id, endpoint_id, state), delete on deliveries to sluice_scheduler;
grant select (delivery_id, attempt), delete on delivery_attempts to sluice_scheduler;
grant select (id, status, updated_at), delete on webhook_endpoints to sluice_scheduler;
