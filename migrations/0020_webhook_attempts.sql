-- What merchants see and control of their webhooks: attempts, resends, rolled secrets, and endpoints that
-- were disabled because they fail.

set local lock_timeout = '5s';

alter table webhook_endpoints
    -- Why it was disabled; null if the merchant did it.
    add column disabled_reason text
        constraint webhook_endpoints_disabled_reason_known check (disabled_reason in ('gone', 'failing')),
    -- Secrets are derived from the id and this number, which a roll increments.
    add column secret_version integer not null default 0,
    -- Until when the secret before this one signs too.
    add column previous_secret_until timestamptz,
    -- The last attempt that it accepted; exact to a minute, so that an endpoint that works costs no write.
    add column last_success_at timestamptz,
    -- The last attempt that failed, in words.
    add column last_error text,
    add column last_error_at timestamptz;

-- With the status: events and lists read no deleted endpoint.
create index webhook_endpoints_by_status on webhook_endpoints (merchant_id, live, status);
drop index webhook_endpoints_by_merchant;

alter table deliveries
    -- 0 for the first delivery of an event to an endpoint; each resend after it ended counts up.
    add column resend integer not null default 0,
    add column resent_at timestamptz;

alter table delivery_attempts
    -- Null in rows that the version before wrote; merchants do not see these.
    add column id uuid,
    add column endpoint_id uuid,
    add column succeeded boolean,
    -- The beginning of the endpoint's response.
    add column response text constraint delivery_attempts_response_length check (octet_length(response) <= 1024),
    -- When the next attempt was due; null if it was the last.
    add column next_at timestamptz;

-- Not validated: the check that it replaces was narrower, and validating it would block writes to events.
alter domain event_subject drop constraint event_subject_known;
alter domain event_subject add constraint event_subject_known check
    (value in ('payment', 'refund', 'customer', 'intent', 'endpoint')) not valid;

-- Those that asked for everything receive the new event too.
update webhook_endpoints set event_types = event_types || '{webhook_endpoint.disabled}'
where '*' = any(events);

-- The deliveries that wait for an endpoint, oldest event first, at most `most`. Inlined into the statements
-- that call it, so that the planner knows the state and uses the index deliveries_waiting.
create function waiting_deliveries(endpoint uuid, most bigint) returns table (id uuid)
language sql stable as $$
    select d.id from deliveries d
    where d.endpoint_id = endpoint and d.state = 'delivering'
    order by d.event_id limit most
$$;

-- Not `exists`: the planner may turn that into a hash of all rows that are visible, deleted endpoints and
-- delivered webhooks too.
create policy attempts_of_seen_endpoints on delivery_attempts for select to sluice_api
    using ((select e.id from webhook_endpoints e where e.id = endpoint_id) is not null);
alter policy deliveries_to_seen_endpoints on deliveries
    using ((select e.id from webhook_endpoints e where e.id = endpoint_id) is not null);
alter policy jobs_of_seen_deliveries on jobs
    using (worker = 'webhook' and (select d.id from deliveries d where d.id = jobs.id) is not null);

grant select on delivery_attempts to sluice_api;
grant update (failing_since, failures, paused_until, disabled_reason, secret_version, previous_secret_until)
    on webhook_endpoints to sluice_api;
grant select (seq, due_at, publish_count, leased_until, parked_at), update (due_at, publish_count) on jobs to sluice_api;

grant update (status, disabled_reason, updated_at, last_success_at, last_error, last_error_at)
    on webhook_endpoints to sluice_webhook;
grant insert (id, merchant_id, live, type, subject, subject_id, data, data_version) on events to sluice_webhook;
grant insert (id, event_id, endpoint_id, state) on deliveries to sluice_webhook;
grant insert (worker, id, owner_id, merchant_id, live, due_at) on jobs to sluice_webhook;
