-- The sums of each account and day. A balance is the sum of few rows here, however many entries it has.

-- Two growing sums and no balance, so that a row is only ever added to.
create table account_days (
    account     ledger_account not null,
    -- Whose account it is; all zeros for the gateway's own.
    merchant_id uuid not null,
    live        boolean not null,
    currency    currency_code not null,
    -- The day of the postings in UTC.
    day         date not null,
    -- The settlement window of the entries; 0 as long as nothing is settled.
    win         bigint not null default 0,
    debits      numeric not null default 0,
    credits     numeric not null default 0,
    entries     bigint not null default 0,
    primary key (account, merchant_id, live, currency, day, win),
    constraint account_days_grow check (debits >= 0 and credits >= 0 and entries >= 0)
) with (fillfactor = 50);

-- Whose account an entry of this merchant moves: the merchant's, or the gateway's own.
create function ledger_account_owner(account text, merchant uuid) returns uuid language sql immutable as $$
    select case when account in ('merchant_hold', 'merchant_balance') then merchant
                else '00000000-0000-0000-0000-000000000000' end
$$;

-- Adds a statement's entries to their days. As the owner, so that no role can write a sum that has no
-- entries. The rows are locked in the order of their key and, because `record_effects` writes postings last,
-- after all other rows, so that two transactions never wait for each other.
create function ledger_add_to_days() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into account_days as d (account, merchant_id, live, currency, day, debits, credits, entries)
    select w.account, ledger_account_owner(w.account, w.merchant_id), w.live, p.currency,
           (p.at at time zone 'UTC')::date,
           coalesce(sum(w.amount) filter (where w.amount > 0), 0),
           coalesce(-sum(w.amount) filter (where w.amount < 0), 0),
           count(*)
    from written w join ledger_postings p on p.id = w.posting_id
    group by 1, 2, 3, 4, 5
    order by 1, 2, 3, 4, 5
    on conflict (account, merchant_id, live, currency, day, win) do update
    set debits = d.debits + excluded.debits, credits = d.credits + excluded.credits,
        entries = d.entries + excluded.entries;
    return null;
end $$;

create trigger ledger_entries_add_to_days after insert on ledger_entries
    referencing new table as written
    for each statement execute function ledger_add_to_days();

create trigger account_days_kept before delete on account_days
    for each row execute function refuse_change();
create trigger account_days_not_emptied before truncate on account_days
    for each statement execute function refuse_change();

-- The trigger's lock keeps entries from being written until the end of this transaction, so each entry is
-- counted once. This takes about a second for a million entries.
insert into account_days (account, merchant_id, live, currency, day, debits, credits, entries)
select e.account, ledger_account_owner(e.account, e.merchant_id), e.live, p.currency,
       (p.at at time zone 'UTC')::date,
       coalesce(sum(e.amount) filter (where e.amount > 0), 0),
       coalesce(-sum(e.amount) filter (where e.amount < 0), 0),
       count(*)
from ledger_entries e join ledger_postings p on p.id = e.posting_id
group by 1, 2, 3, 4, 5;

alter table account_days enable row level security;
create policy account_days_of_the_named_merchant on account_days to sluice_api using (
    ((merchant_id, live) = (
        select nullif(current_setting('sluice.merchant', true), '')::uuid,
               nullif(current_setting('sluice.live', true), '')::boolean)) is true);
create policy account_days_of_all_merchants on account_days for select to sluice_operator using (true);
grant select on account_days to sluice_api, sluice_operator;

-- As before, but postings are written last.
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
