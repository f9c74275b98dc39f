-- The roles that processes log in as. Only `sluice migrate` logs in as the tables' owner. Each worker can read
-- and write only what its jobs need: the webhook worker reads no cards, and only the card worker reads sealed
-- ones.
--
-- The API's role sees only the rows of the merchant that the transaction names (row-level security). This
-- protects against a forgotten condition in a query. It does not protect against somebody who can run
-- arbitrary SQL: they can name any merchant.

-- Roles belong to the cluster, so another database's migration may be creating the same ones now.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['sluice_api', 'sluice_accept', 'sluice_scheduler', 'sluice_card',
                               'sluice_refund', 'sluice_webhook', 'sluice_operator'] loop
        begin
            if not exists (select from pg_roles where rolname = wanted) then
                execute format('create role %I nologin', wanted);
            end if;
            -- A process has the rights of one role at a time.
            if exists (select from pg_roles where rolname = wanted and rolinherit) then
                execute format('alter role %I noinherit', wanted);
            end if;
        exception when duplicate_object or unique_violation then
            null;
        end;
        begin
            -- Only a member can take on a role.
            if not pg_has_role(wanted, 'member') then
                execute format('grant %I to current_user', wanted);
            end if;
        exception when unique_violation then
            null;
        end;
        if exists (select from pg_roles
                   where rolname = wanted and (rolsuper or rolbypassrls or rolcreaterole)) then
            raise exception 'the role % may do more than it must', wanted;
        end if;
    end loop;
    begin
        if not pg_has_role('sluice_api', 'sluice_accept', 'member') then
            grant sluice_accept to sluice_api;
        end if;
    exception when unique_violation then
        null;
    end;
end $$;

grant usage on schema public to sluice_api, sluice_accept, sluice_scheduler, sluice_card, sluice_refund,
    sluice_webhook, sluice_operator;

-- Names the merchant and mode for the rest of the transaction. Statements call it as
-- `and (select act_for(…))`: a condition that depends on no row is evaluated once, before the first row is
-- read. Evaluated later, no merchant would be named yet and no row would be visible.
create function act_for(merchant uuid, live boolean) returns boolean language sql as $$
    select set_config('sluice.merchant', merchant::text, true) is not null
       and set_config('sluice.live', live::text, true) is not null
$$;

-- Names one object that anyone who knows its id may read.
create function by_public_id(id uuid) returns boolean language sql as $$
    select set_config('sluice.public_id', id::text, true) is not null
$$;

-- These settings end with the transaction, so that the next one on the connection sees no rows. The
-- policies compare with `is true`, so that the planner does not use the comparison as an index condition
-- or merge it with the query's, and evaluate it before the merchant is named.

alter table merchants enable row level security;
alter table api_keys enable row level security;
alter table api_clients enable row level security;
alter table access_tokens enable row level security;
alter table customers enable row level security;
alter table payments enable row level security;
alter table payment_history enable row level security;
alter table idempotency_keys enable row level security;
alter table sealed_cards enable row level security;
alter table authorizations enable row level security;
alter table ledger_postings enable row level security;
alter table ledger_entries enable row level security;
alter table webhook_endpoints enable row level security;
alter table events enable row level security;
alter table deliveries enable row level security;
alter table delivery_attempts enable row level security;
alter table jobs enable row level security;
alter table refunds enable row level security;
alter table intents enable row level security;

-- sluice_api: serves requests, each for one merchant.

do $$
declare
    one text;
begin
    foreach one in array array['customers', 'payments', 'idempotency_keys', 'ledger_entries',
                               'webhook_endpoints', 'events', 'refunds', 'intents', 'ledger_postings'] loop
        execute format($policy$
            create policy %I on %I to sluice_api using (
                ((merchant_id, live) = (
                    select nullif(current_setting('sluice.merchant', true), '')::uuid,
                           nullif(current_setting('sluice.live', true), '')::boolean)) is true)
            $policy$, one || '_of_the_named_merchant', one);
    end loop;
end $$;

-- Rows without a merchant column are visible together with the row that they belong to.
create policy deliveries_to_seen_endpoints on deliveries to sluice_api
    using (exists (select from webhook_endpoints e where e.id = endpoint_id));
create policy jobs_of_seen_deliveries on jobs to sluice_api
    using (worker = 'webhook' and exists (select from deliveries d where d.id = jobs.id));
-- The statement that writes a job also writes its owner, which a policy cannot see yet, so the owner is
-- not checked. A job for another object is harmless: its worker does what that object's state requires.
create policy jobs_written on jobs for insert to sluice_api
    with check (worker in ('refund', 'webhook') and ((merchant_id, live) = (
        select nullif(current_setting('sluice.merchant', true), '')::uuid,
               nullif(current_setting('sluice.live', true), '')::boolean)) is true);

-- Anyone who knows an intent's id may read the intent and its payments.
create policy intents_held on intents for select to sluice_api
    using ((id = (select nullif(current_setting('sluice.public_id', true), '')::uuid)) is true);
create policy payments_of_a_held_intent on payments for select to sluice_api
    using ((intent_id = (select nullif(current_setting('sluice.public_id', true), '')::uuid)) is true);

-- The same holds for a payment with a hosted page.
create policy payments_held on payments for select to sluice_api
    using ((checkout is not null
            and id = (select nullif(current_setting('sluice.public_id', true), '')::uuid)) is true);

grant select on rates to sluice_api;
grant select on payments, ledger_postings, ledger_entries, sealing_keys to sluice_api;
grant update (refunded, refunded_at, updated_at) on payments to sluice_api;
grant select, insert, update, delete on idempotency_keys to sluice_api;
grant select, insert on customers, refunds, intents, webhook_endpoints, events, deliveries to sluice_api;
grant update (email, name, phone, description, metadata, updated_at) on customers to sluice_api;
grant update (canceled_at) on intents to sluice_api;
grant update (url, events, event_types, metadata, status, updated_at) on webhook_endpoints to sluice_api;
grant update (state, updated_at) on deliveries to sluice_api;
grant select (worker, id, merchant_id, live), insert (worker, id, owner_id, merchant_id, live, due_at), delete
    on jobs to sluice_api;
grant select, insert, update on rate_windows to sluice_api;

-- Authentication knows no merchant yet. It calls functions that look up one credential, without rights to
-- the tables, so that the API's role cannot list credentials.

create function principal_by_key(key_hash bytea)
returns table (id uuid, merchant_id uuid, live boolean, rate_limit integer)
language sql stable security definer set search_path = public, pg_temp as $$
    select k.id, k.merchant_id, k.live, m.rate_limit
    from api_keys k join merchants m on m.id = k.merchant_id
    where k.hash = key_hash and k.revoked_at is null
$$;

create function principal_by_token(token_hash bytea)
returns table (limited_as uuid, merchant_id uuid, live boolean, rate_limit integer, is_expired boolean,
               scope text)
language sql stable security definer set search_path = public, pg_temp as $$
    select c.limited_as, c.merchant_id, c.live, m.rate_limit, t.expires_at <= now(), t.scope
    from access_tokens t
    join api_clients c on c.id = t.client_id
    join merchants m on m.id = c.merchant_id
    where t.hash = token_hash
$$;

create function issue_token(client text, client_secret_hash bytea, token_hash bytea, token_scope text,
                           seconds double precision)
returns boolean
language sql security definer set search_path = public, pg_temp as $$
    with given as (
        insert into access_tokens (hash, client_id, scope, expires_at)
        select token_hash, c.id, token_scope, now() + make_interval(secs => seconds)
        from api_clients c where c.id = client and c.secret_hash = client_secret_hash
        returning 1)
    select exists (select from given)
$$;

-- What payers see of a merchant.
create function merchant_profile(merchant uuid)
returns table (name text, email text, currency text)
language sql stable security definer set search_path = public, pg_temp as $$
    select m.name, m.email, m.currency from merchants m where m.id = merchant
$$;

create function public_intents_of(merchant uuid) returns text
language sql stable security definer set search_path = public, pg_temp as $$
    select m.public_intents from merchants m where m.id = merchant
$$;

revoke execute on function principal_by_key, principal_by_token, issue_token, merchant_profile, public_intents_of from public;
grant execute on function principal_by_key, principal_by_token, issue_token, merchant_profile, public_intents_of to sluice_api;

-- sluice_accept: for the statements that serve several merchants at once: they accept payments, store
-- customers, and read the payments that requests wait for. They cannot name one merchant, so their rights are
-- limited by column instead: they insert and read; they update and delete nothing.

do $$
declare
    one text;
begin
    foreach one in array array['customers', 'payments', 'payment_history', 'idempotency_keys',
                               'sealed_cards', 'events', 'deliveries', 'jobs'] loop
        execute format('create policy %I on %I for insert to sluice_accept with check (true)',
                       one || '_accepted', one);
    end loop;
    foreach one in array array['customers', 'payments', 'idempotency_keys', 'events', 'deliveries',
                               'webhook_endpoints'] loop
        execute format('create policy %I on %I for select to sluice_accept using (true)',
                       one || '_met', one);
    end loop;
end $$;

grant insert (id, merchant_id, live, email, name, phone), select (id, merchant_id, live, email, created_at)
    on customers to sluice_accept;
grant insert (id, merchant_id, live, state, amount, currency, exponent, method, description, metadata,
              customer_id, card_brand, card_last4, card_exp_month, card_exp_year, expires_at, intent_id,
              checkout),
      select (id, customer_id, created_at) on payments to sluice_accept;
grant insert (payment_id, version, event, state, authorization_id) on payment_history to sluice_accept;
grant insert (merchant_id, live, key, fingerprint, subject_id), select on idempotency_keys to sluice_accept;
grant insert on sealed_cards to sluice_accept;
grant insert (id, merchant_id, live, type, subject, subject_id, data, data_version),
      select (id, merchant_id, live, type) on events to sluice_accept;
grant insert (id, event_id, endpoint_id, state), select (id, event_id) on deliveries to sluice_accept;
grant select (id, merchant_id, live, status, event_types, paused_until) on webhook_endpoints to sluice_accept;
grant insert (worker, id, owner_id, merchant_id, live, due_at) on jobs to sluice_accept;

-- Reads the payments that requests wait for, of several merchants in one statement. It takes the merchant
-- and mode of each, so that a role which may only run this function reads nothing by an id alone. In
-- plpgsql, which caches the plan between calls.

create function payments_by_ids(ids uuid[], merchants uuid[], lives boolean[])
returns table (
    id uuid, merchant_id uuid, live boolean, state payment_state, failure payment_failure,
    amount money_amount, currency currency_code, method payment_method, description text, metadata jsonb,
    customer_id uuid, customer_email text, customer_name text, customer_phone text, card_brand text,
    card_last4 card_last4, card_exp_month smallint,
    card_exp_year smallint, intent_id uuid, checkout jsonb, refunded numeric, created_at timestamptz,
    updated_at timestamptz)
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
    return query
        select p.id, p.merchant_id, p.live, p.state, p.failure, p.amount, p.currency, p.method, p.description,
               p.metadata, p.customer_id, c.email, c.name, c.phone, p.card_brand, p.card_last4,
               p.card_exp_month, p.card_exp_year, p.intent_id, p.checkout, p.refunded, p.created_at,
               p.updated_at
        from unnest(ids, merchants, lives) as i(id, merchant_id, live)
        join payments p on p.id = i.id and p.merchant_id = i.merchant_id and p.live = i.live
        left join customers c on c.id = p.customer_id;
end $$;

revoke execute on function payments_by_ids from public;
grant execute on function payments_by_ids to sluice_accept;

-- Creates customers, or updates those with the same email address: each with its idempotency key, or
-- nothing of it. Like payments_by_ids it serves several merchants at once and takes the merchant of each
-- row, so that sluice_accept needs no right to update customers. Locks are taken in the order of
-- accept.sql: new customers, then keys, both sorted by merchant. A row for which nothing is returned runs
-- again, alone: a customer or key that another transaction is creating is seen by then.

create function upsert_customers(requests jsonb)
returns table (
    ord integer, is_new boolean, id uuid, email text, name text, phone text, description text,
    metadata jsonb, created_at timestamptz, updated_at timestamptz, fingerprint bytea, status smallint,
    body text, stale boolean)
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
begin
    return query
        with input as (
            select * from jsonb_to_recordset(requests) as i(
                ord integer, id uuid, event_id uuid, merchant_id uuid, live boolean, email text, name text,
                phone text, description text, metadata jsonb, idem_key text, idem_fingerprint text)
        ), existing as (
            select i.ord, k.subject_id, k.fingerprint, k.status, k.body,
                   k.created_at < now() - interval '24 hours' as stale
            from input i
            join idempotency_keys k
              on k.merchant_id = i.merchant_id and k.live = i.live and k.key = i.idem_key
        ), already as (
            -- An earlier run of the row committed, but its result was lost.
            select i.ord, e.subject_id from input i join events e on e.id = i.event_id
        ), candidate as (
            select * from input i
            where ord not in (select ord from existing) and ord not in (select ord from already)
              and not exists (select from input j
                              where j.ord < i.ord and j.merchant_id = i.merchant_id and j.live = i.live
                                and j.idem_key = i.idem_key)
        ), new_customer as (
            insert into customers (id, merchant_id, live, email, name, phone, description, metadata)
            select id, merchant_id, live, email, name, phone, description, coalesce(metadata, '{}')
            from candidate order by merchant_id, live, email_key(email), id
            on conflict do nothing
            returning id
        ), upsert as (
            select i.*, i.id as customer_id, true as is_new
            from candidate i join new_customer c on c.id = i.id
            union all
            (select distinct on (c.id) i.*, c.id, false
             from candidate i
             join customers c
               on c.merchant_id = i.merchant_id and c.live = i.live and email_key(c.email) = email_key(i.email)
             order by c.id, i.ord)
        ), keyed as (
            insert into idempotency_keys (merchant_id, live, key, fingerprint, subject_id)
            select merchant_id, live, idem_key, decode(idem_fingerprint, 'hex'), customer_id
            from upsert where idem_key is not null
            order by merchant_id, live, idem_key
            on conflict do nothing
            returning merchant_id, live, key
        ), accepted as (
            select * from upsert u
            where idem_key is null
               or exists (select from keyed k
                          where k.merchant_id = u.merchant_id and k.live = u.live and k.key = u.idem_key)
        ), updated as (
            update customers c
            set name = coalesce(i.name, c.name), phone = coalesce(i.phone, c.phone),
                description = coalesce(i.description, c.description),
                metadata = coalesce(i.metadata, c.metadata), updated_at = now()
            from accepted i
            where not i.is_new and c.id = i.customer_id
            returning i.ord, c.id, c.email, c.name, c.phone, c.description, c.metadata, c.created_at
        )
        select ord, is_new, id, email, name, phone, description, coalesce(metadata, '{}') as metadata,
               now() as created_at, now() as updated_at, null::bytea as fingerprint, null::smallint as status,
               null::text as body, null::boolean as stale
        from accepted where is_new
        union all
        -- Another transaction took the key after the customer was inserted: nothing of the batch may stay.
        select ord, is_new, null, null, null, null, null, null, null, null, null, null, null, null
        from upsert where is_new and ord not in (select ord from accepted)
        union all
        select ord, false, id, email, name, phone, description, metadata, created_at, now(), null, null, null, null
        from updated
        union all
        select a.ord, null, c.id, c.email, c.name, c.phone, c.description, c.metadata, c.created_at, c.updated_at,
               null, null, null, null
        from already a join customers c on c.id = a.subject_id
        union all
        select ord, null, subject_id, null, null, null, null, null, null, null, fingerprint, status, body, stale
        from existing where ord not in (select ord from already);
end $$;

revoke execute on function upsert_customers from public;
grant execute on function upsert_customers to sluice_accept;

-- The workers, the scheduler and the operator's command act for all merchants.

do $$
declare
    one text;
begin
    foreach one in array array['merchants', 'api_keys', 'api_clients', 'access_tokens', 'customers', 'payments',
                               'payment_history', 'idempotency_keys', 'sealed_cards', 'authorizations',
                               'ledger_postings', 'ledger_entries', 'webhook_endpoints', 'events',
                               'deliveries', 'delivery_attempts', 'jobs', 'refunds', 'intents'] loop
        execute format('create policy %I on %I to sluice_scheduler, sluice_card, sluice_refund, sluice_webhook, '
                       'sluice_operator using (true) with check (true)', one || '_of_all_merchants', one);
    end loop;
end $$;

-- What a claim and its outcome write.
grant select, update (seq, due_at, publish_count, claims, lease, leased_until, leased_by, parked_at, error), delete
    on jobs to sluice_card, sluice_refund, sluice_webhook;

-- What record_effects writes.
grant insert (worker, id, owner_id, merchant_id, live, due_at) on jobs to sluice_card, sluice_refund;
grant insert on ledger_postings, ledger_entries, events, deliveries to sluice_card, sluice_refund;
grant select on ledger_postings, events, deliveries to sluice_card, sluice_refund;
grant select (id, merchant_id, live, status, event_types, paused_until)
    on webhook_endpoints to sluice_card, sluice_refund;

grant select on payments, customers, intents, sealed_cards, authorizations, sealing_keys to sluice_card;
grant select (id, fee_basis_points) on merchants to sluice_card;
grant update (state, version, failure, card_fingerprint, updated_at) on payments to sluice_card;
grant insert on payment_history to sluice_card;
grant insert, update (state, approved_amount, approval_code, not_found_at, updated_at), delete
    on authorizations to sluice_card;
grant delete on sealed_cards to sluice_card;
grant insert, delete on sealing_keys to sluice_card;

grant select on refunds, authorizations to sluice_refund;
grant select (id, currency, intent_id, refunded, updated_at) on payments to sluice_refund;
grant update (state, updated_at) on refunds to sluice_refund;
grant update (refunded, refunded_at, updated_at) on payments to sluice_refund;
grant insert on payment_history to sluice_refund;

grant select on events, webhook_endpoints, deliveries to sluice_webhook;
grant update (state, attempts, body, updated_at) on deliveries to sluice_webhook;
grant insert on delivery_attempts to sluice_webhook;
grant update (failing_since, failures, paused_until) on webhook_endpoints to sluice_webhook;

grant select, update (seq, due_at, publish_count, claims, parked_at) on jobs to sluice_scheduler;
grant select (payment_id, created_at), delete on sealed_cards to sluice_scheduler;
grant select, delete on rate_windows to sluice_scheduler;
grant select (client_id, expires_at), delete on access_tokens to sluice_scheduler;
grant select (merchant_id, live, key, created_at), delete on idempotency_keys to sluice_scheduler;

grant select on merchants, customers, payments, payment_history, authorizations, ledger_postings,
    ledger_entries, webhook_endpoints, events, deliveries, delivery_attempts, jobs, refunds, intents, rates
    to sluice_operator;
grant select (payment_id, key_id) on sealed_cards to sluice_operator;
grant insert on merchants, api_keys, api_clients, rates to sluice_operator;
grant update (rate_limit, public_intents) on merchants to sluice_operator;
grant update (seq, due_at, publish_count, claims, parked_at) on jobs to sluice_operator;
