-- Writes the effects of transitions, for every state machine. The statement that moves the rows calls it,
-- so that rows and effects are written together or not at all. `effects` is an array with one object for
-- each transition that took place:
--
--   history   [{payment_id, version, event, state, authorization_id}]
--   postings  [{id, cause, cause_id, kind, merchant_id, live, currency, entries: [{account, amount}]}]
--   event     {id, merchant_id, live, type, subject, subject_id, data, data_version}
--   jobs      [{worker, id, merchant_id, live, due_in}]    new jobs, due in `due_in` seconds
--   wake      [{worker, id, merchant_id, live}]            jobs to make due now, created if missing
--   lease     {id, lease, extend_by}                       the caller's own job: its lease is extended to
--                                                          `extend_by` seconds from now; if null, the
--                                                          job is complete
--
-- Returns the deliveries of the events. Each has a job that is due in two seconds: until then the caller
-- publishes it, afterwards the scheduler does.
create function record_effects(effects jsonb)
returns table (event_id uuid, delivery_id uuid)
language plpgsql as $$
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
    if effects @? '$[*].postings[*]' then
        insert into ledger_postings (id, cause, cause_id, kind, merchant_id, live, currency)
        select p.id, p.cause, p.cause_id, p.kind, p.merchant_id, p.live, p.currency
        from jsonb_array_elements(effects) e,
             jsonb_to_recordset(e -> 'postings')
                 as p(id uuid, cause text, cause_id uuid, kind text, merchant_id uuid, live boolean,
                      currency text);
        insert into ledger_entries (posting_id, account, merchant_id, live, amount)
        select p.id, n.account, p.merchant_id, p.live, n.amount
        from jsonb_array_elements(effects) e,
             jsonb_to_recordset(e -> 'postings')
                 as p(id uuid, merchant_id uuid, live boolean, entries jsonb),
             jsonb_to_recordset(p.entries) as n(account text, amount numeric);
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
            ), delivery as (
                insert into deliveries (id, event_id, endpoint_id, state)
                select gen_random_uuid(), v.id, w.id, 'delivering'
                from event v
                join webhook_endpoints w
                  on w.merchant_id = v.merchant_id and w.live = v.live and w.status = 'active'
                 and v.type = any(w.event_types)
                returning id, event_id
            ), due as (
                insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
                select 'webhook', d.id, d.id, v.merchant_id, v.live, now() + interval '2 seconds'
                from delivery d join event v on v.id = d.event_id
            )
            select d.event_id, d.id from delivery d;
    end if;
end $$;
