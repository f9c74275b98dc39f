-- sluice_verify: what `sluice verify` acts as. It reads, and writes nothing. Nobody logs in as it: the login of
-- sluice_operator takes it on.

do $$
begin
    begin
        if not exists (select from pg_roles where rolname = 'sluice_verify') then
            create role sluice_verify nologin noinherit;
        end if;
    exception when duplicate_object or unique_violation then
        null;
    end;
    begin
        -- Only a member can take on a role.
        if not pg_has_role('sluice_verify', 'member') then
            grant sluice_verify to current_user;
        end if;
        if not pg_has_role('sluice_operator', 'sluice_verify', 'member') then
            grant sluice_verify to sluice_operator;
        end if;
    exception when unique_violation then
        null;
    end;
    if exists (select from pg_roles
               where rolname = 'sluice_verify' and (rolsuper or rolbypassrls or rolcreaterole or rolcanlogin)) then
        raise exception 'the role sluice_verify may do more than it must';
    end if;
end $$;

grant usage on schema public to sluice_verify;

do $$
declare
    one text;
begin
    foreach one in array array['customers', 'payments', 'payment_history', 'idempotency_keys', 'sealed_cards',
                               'authorizations', 'ledger_postings', 'ledger_entries', 'webhook_endpoints', 'events',
                               'deliveries', 'delivery_attempts', 'jobs', 'refunds', 'intents', 'merchants',
                               'account_days'] loop
        execute format('create policy %I on %I for select to sluice_verify using (true)', one || '_verified', one);
    end loop;
end $$;

grant select on payments, payment_history, authorizations, refunds, ledger_postings, ledger_entries, account_days,
    events, deliveries, delivery_attempts, jobs to sluice_verify;
grant select (id, merchant_id, live, created_at) on customers to sluice_verify;
grant select (id, merchant_id, live, amount, currency, exponent, kind, settlement_method, settlement_destination,
              description, metadata, canceled_at, created_at) on intents to sluice_verify;
grant select (id, merchant_id, live, status, event_types, updated_at) on webhook_endpoints to sluice_verify;
grant select (id, fee_basis_points) on merchants to sluice_verify;
grant select (payment_id) on sealed_cards to sluice_verify;
grant select (merchant_id, live, subject_id, key, created_at) on idempotency_keys to sluice_verify;
