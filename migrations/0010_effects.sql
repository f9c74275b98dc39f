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
-- Returns the deliveries of the events, to publish. Each has a job that is due in two seconds: until then the
-- caller publishes it, afterwards the scheduler does. Those of a paused endpoint are due after the pause.
create function record_effects(effects jsonb)
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
                join webhook_endpoints w
                  on w.merchant_id = v.merchant_id and w.live = v.live and w.status = 'active'
                 and v.type = any(w.event_types)
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
end $$;

-- The customers of the payments `ords` of a batch (see accept.sql): new ones, or those with the same
-- email address.
create function accept_customers(requests jsonb, ords integer[])
returns table (ord integer, id uuid, is_new boolean)
language plpgsql rows 10 as $$
#variable_conflict use_column
begin
    if ords is null then
        return;
    end if;
    return query
        with input as (
            select * from jsonb_to_recordset(requests) as i(
                ord integer, merchant_id uuid, live boolean, customer_id uuid, customer_email text,
                customer_name text, customer_phone text)
            where ord = any(ords)
        ), new_customer as (
            insert into customers (id, merchant_id, live, email, name, phone)
            select distinct on (merchant_id, live, email_key(customer_email),
                                case when customer_email is null then customer_id end)
                   customer_id, merchant_id, live, customer_email, customer_name, customer_phone
            from input
            order by merchant_id, live, email_key(customer_email),
                     case when customer_email is null then customer_id end
            on conflict do nothing
            returning id, merchant_id, live, email_key(email) as email
        ), customer as (
            select id, merchant_id, live, email from new_customer
            union all
            select c.id, c.merchant_id, c.live, email_key(c.email)
            from (select distinct merchant_id, live, email_key(customer_email) as email from input) i
            join customers c
              on c.merchant_id = i.merchant_id and c.live = i.live and email_key(c.email) = i.email
        )
        select i.ord, c.id, c.id = i.customer_id
        from input i
        join customer c
          on c.merchant_id = i.merchant_id and c.live = i.live
         and (c.email = email_key(i.customer_email) or c.id = i.customer_id);
end $$;

-- Takes the idempotency keys of the payments `ords` of a batch; returns those whose key was free.
create function accept_keys(requests jsonb, ords integer[]) returns setof integer
language plpgsql rows 10 as $$
begin
    if ords is null then
        return;
    end if;
    return query
        with input as (
            select * from jsonb_to_recordset(requests) as i(
                ord integer, payment_id uuid, merchant_id uuid, live boolean, idem_key text,
                idem_fingerprint text)
            where ord = any(ords)
        ), taken as (
            insert into idempotency_keys (merchant_id, live, key, fingerprint, subject_id)
            select merchant_id, live, idem_key, decode(idem_fingerprint, 'hex'), payment_id
            from input
            order by merchant_id, live, idem_key
            on conflict do nothing
            returning subject_id
        )
        select i.ord from input i join taken t on t.subject_id = i.payment_id;
end $$;
