-- Workers find jobs by their ids, whatever the tables held when the statements were planned. Planned while few
-- jobs waited, a claim read the whole index jobs_due for each batch: with 30,000 jobs it took 300 ms, until the
-- table was analyzed. As before, but for the conditions on ids.

create or replace function claim_jobs(of_worker text, ids uuid[], seqs bigint[], leases uuid[], session bigint,
                                      lease_seconds double precision)
returns table (lease uuid, owner_id uuid, claims smallint)
language plpgsql rows 10 as $$
#variable_conflict use_column
begin
    return query
        update jobs j
        set lease = c.lease, leased_until = now() + make_interval(secs => lease_seconds),
            leased_by = session, claims = least(j.claims + 1, 1000), publish_count = 0
        from unnest(ids, seqs, leases) as c(id, seq, lease)
        -- The second condition makes every plan find the rows by their keys, and "is true" keeps it from the
        -- index jobs_due.
        where j.id = c.id and j.id = any(ids) and j.seq = c.seq
          and (j.worker = of_worker and j.parked_at is null) is true and j.purpose = 'advance'
          and (j.leased_until is null or j.leased_until < now() or j.lease = c.lease
               or pg_try_advisory_xact_lock_shared(j.leased_by))
        returning j.lease, j.owner_id, j.claims;
end $$;

create or replace function record_effects(effects jsonb)
returns table (event_id uuid, delivery_id uuid)
language plpgsql rows 10 as $$
#variable_conflict use_column
declare
    leased uuid[] := array(select (e -> 'lease' ->> 'id')::uuid from jsonb_array_elements(effects) e);
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
          and j.id = l.id and j.id = any(leased) and j.lease = l.lease;
    end if;
    if effects @? '$[*].lease ? (@.extend_by != null)' then
        update jobs j
        set leased_until = now() + make_interval(secs => l.extend_by), claims = 0
        from jsonb_array_elements(effects) e,
             jsonb_to_record(e -> 'lease') as l(id uuid, lease uuid, extend_by double precision)
        where l.extend_by is not null
          and j.id = l.id and j.id = any(leased) and j.lease = l.lease;
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
