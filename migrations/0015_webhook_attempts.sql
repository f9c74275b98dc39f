-- What merchants see and control of their webhooks: attempts, resends, rolled secrets, and endpoints that
-- were disabled because they fail.

alter table webhook_endpoints
    -- Why it was disabled; null if the merchant did it.
    add column disabled_reason text,
    -- Secrets are derived from the id and this number, which a roll increments.
    add column secret_version integer not null default 0,
    -- Until when the secret before this one signs too.
    add column previous_secret_until timestamptz,
    -- The last attempt that it accepted; exact to a minute, so that an endpoint that works costs no write.
    add column last_success_at timestamptz,
    -- The last attempt that failed, in words.
    add column last_error text,
    add column last_error_at timestamptz;

alter table webhook_endpoints add constraint webhook_endpoints_disabled_reason_known
    check (disabled_reason in ('gone', 'failing')) not valid;

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
    add column response text,
    -- When the next attempt was due; null if it was the last.
    add column next_at timestamptz;

alter table delivery_attempts add constraint delivery_attempts_response_length
    check (octet_length(response) <= 1024) not valid;

-- Not validated: the check that it replaces was narrower, and validating it would block writes to events.
alter domain event_subject drop constraint event_subject_known;
alter domain event_subject add constraint event_subject_known check
    (value in ('payment', 'refund', 'customer', 'intent', 'endpoint')) not valid;

-- Those that asked for everything receive the new event too.
update webhook_endpoints set event_types = event_types || '{webhook_endpoint.disabled}'
where '*' = any(events);

-- These functions are inlined into the statements that call them, so that the planner knows the state and
-- uses the partial indexes.

-- A merchant's endpoints that are not deleted.
create function kept_endpoints(merchant uuid, is_live boolean) returns setof webhook_endpoints
language sql stable as $$
    select * from webhook_endpoints w
    where w.merchant_id = merchant and w.live = is_live and w.status <> 'deleted'
$$;

-- The deliveries that wait for an endpoint, oldest event first, at most `most`.
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
grant select (seq, due_at, publish_count, claims, leased_until, parked_at),
      update (seq, due_at, publish_count, claims, parked_at) on jobs to sluice_api;

grant update (status, disabled_reason, updated_at, last_success_at, last_error, last_error_at)
    on webhook_endpoints to sluice_webhook;
grant insert (id, merchant_id, live, type, subject, subject_id, data, data_version) on events to sluice_webhook;
grant insert (id, event_id, endpoint_id, state) on deliveries to sluice_webhook;
grant insert (worker, id, owner_id, merchant_id, live, due_at) on jobs to sluice_webhook;

-- As before, but postings are written last, and an event finds its merchant's endpoints by the merchant.
-- `offset 0` keeps the planner from a join that reads all endpoints: planned while the table is empty, that
-- looks as cheap.
create or replace function record_effects(effects jsonb)
returns table (event_id uuid, delivery_id uuid)
language plpgsql rows 10 as $$
#variable_conflict use_column
begin
    if effects is null then
        return;
    end if;
    if effects @? '$[*].history[*]' then
        insert into payment_history (payment_id, version, event, state, authorization_id)
        select h.payment_id, h.version, h.event, h.state, h.authorization_id
        from jsonb_array_elements(effects) e,
             jsonb_to_recordset(e -> 'history')
                 as h(payment_id uuid, version integer, event text, state text, authorization_id uuid);
    end if;
    if effects @? '$[*].jobs[*]' then
        insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
        select n.worker, n.id, n.id, n.merchant_id, n.live, now() + make_interval(secs => n.due_in)
        from jsonb_array_elements(effects) e,
             jsonb_to_recordset(e -> 'jobs')
                 as n(worker text, id uuid, merchant_id uuid, live boolean, due_in double precision);
    end if;
    if effects @? '$[*].wake[*]' then
        insert into jobs as j (worker, id, owner_id, merchant_id, live, due_at)
        select n.worker, n.id, n.id, n.merchant_id, n.live, now()
        from jsonb_array_elements(effects) e,
             jsonb_to_recordset(e -> 'wake')
                 as n(worker text, id uuid, merchant_id uuid, live boolean)
        on conflict (id) do update
        set due_at = least(j.due_at, excluded.due_at), seq = j.seq + 1;
    end if;
    if effects @? '$[*].lease ? (@.extend_by == null)' then
        delete from jobs j
        using jsonb_array_elements(effects) e,
              jsonb_to_record(e -> 'lease') as l(id uuid, lease uuid, extend_by double precision)
        where l.extend_by is null
          and j.id = l.id and j.lease = l.lease;
    end if;
    if effects @? '$[*].lease ? (@.extend_by != null)' then
        update jobs j
        set leased_until = now() + make_interval(secs => l.extend_by), claims = 0
        from jsonb_array_elements(effects) e,
             jsonb_to_record(e -> 'lease') as l(id uuid, lease uuid, extend_by double precision)
        where l.extend_by is not null
          and j.id = l.id and j.lease = l.lease;
    end if;
    if effects @? '$[*].event ? (@.type() == "object")' then
        return query
            with event as (
                insert into events (id, merchant_id, live, type, subject, subject_id, data, data_version)
                select v.id, v.merchant_id, v.live, v.type, v.subject, v.subject_id, v.data, v.data_version
                from jsonb_array_elements(effects) e,
                     jsonb_to_record(e -> 'event')
                         as v(id uuid, merchant_id uuid, live boolean, type text, subject text,
                              subject_id uuid, data jsonb, data_version smallint)
                where v.id is not null
                returning id, merchant_id, live, type
            ), target as materialized (
                select gen_random_uuid() as id, v.id as event_id, w.id as endpoint_id, v.merchant_id, v.live,
                       w.paused_until
                from event v
                cross join lateral (
                    select e.id, e.paused_until from webhook_endpoints e
                    where e.merchant_id = v.merchant_id and e.live = v.live and e.status = 'active'
                      and v.type = any(e.event_types)
                    offset 0) w
            ), delivery as (
                insert into deliveries (id, event_id, endpoint_id, state)
                select id, event_id, endpoint_id, 'delivering' from target
            ), due as (
                insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
                select 'webhook', id, id, merchant_id, live,
                       greatest(now() + interval '2 seconds', paused_until + random() * interval '10 seconds')
                from target
            )
            -- Nothing is published for paused endpoints.
            select t.event_id, t.id from target t where t.paused_until is null or t.paused_until <= now();
    end if;
    -- Last: all merchants' postings lock the same days of the gateway's accounts.
    if effects @? '$[*].postings[*]' then
        with posting as materialized (
            select p.* from jsonb_array_elements(effects) e,
                 jsonb_to_recordset(e -> 'postings')
                     as p(id uuid, cause text, cause_id uuid, kind text, merchant_id uuid, live boolean,
                          currency text, entries jsonb)
        ), stored as (
            insert into ledger_postings (id, cause, cause_id, kind, merchant_id, live, currency)
            select id, cause, cause_id, kind, merchant_id, live, currency from posting
        )
        insert into ledger_entries (posting_id, account, merchant_id, live, amount)
        select p.id, n.account, p.merchant_id, p.live, n.amount
        from posting p, jsonb_to_recordset(p.entries) as n(account text, amount numeric);
    end if;
end $$;
