-- What operators did, and what takes two of them. Every operator has a login of their own, a member of
-- sluice_operator; `session_user` is that login, whatever role it has taken on and whatever a client sends.

-- Written by triggers only, so no client can leave it out or name somebody else.
create table operator_actions (
    id          bigint generated always as identity primary key,
    at          timestamptz not null default now(),
    operator    text not null default session_user,
    -- What happened, such as `merchant.updated`.
    action      text not null constraint operator_actions_action_format check (action ~ '^[a-z_]+\.[a-z_]+$'),
    -- The id of the row that it happened to.
    subject     text not null,
    -- Null if it belongs to no merchant.
    merchant_id uuid,
    -- The row's new values, without hashes.
    details     jsonb not null
);

create trigger operator_actions_immutable before update or delete on operator_actions
    for each row execute function refuse_change();
create trigger operator_actions_not_truncated before truncate on operator_actions
    for each statement execute function refuse_change();

-- Arguments: the action, and the column with the subject's id.
create function record_operator_action() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    row_now jsonb := to_jsonb(new);
    was jsonb := case when tg_op = 'UPDATE' then to_jsonb(old) else '{}' end;
begin
    insert into operator_actions (action, subject, merchant_id, details)
    values (tg_argv[0], row_now ->> tg_argv[1],
            (case when tg_table_name = 'merchants' then row_now ->> 'id' else row_now ->> 'merchant_id' end)::uuid,
            (select coalesce(jsonb_object_agg(n.key, n.value), '{}') from jsonb_each(row_now) n
             where n.value is distinct from was -> n.key
               and n.key not in ('hash', 'secret_hash', 'previous_secret_hash', 'limited_as')));
    return null;
end $$;

-- Operators write as sluice_operator; the owner's migrations and the processes are not recorded.
create trigger merchants_created_by_operator after insert on merchants for each row
    when (current_user = 'sluice_operator') execute function record_operator_action('merchant.created', 'id');
create trigger merchants_updated_by_operator after update on merchants for each row
    when (current_user = 'sluice_operator') execute function record_operator_action('merchant.updated', 'id');
create trigger api_keys_created_by_operator after insert on api_keys for each row
    when (current_user = 'sluice_operator') execute function record_operator_action('api_key.created', 'id');
create trigger api_keys_updated_by_operator after update on api_keys for each row
    when (current_user = 'sluice_operator') execute function record_operator_action('api_key.updated', 'id');
create trigger api_clients_created_by_operator after insert on api_clients for each row
    when (current_user = 'sluice_operator') execute function record_operator_action('api_client.created', 'id');
create trigger api_clients_updated_by_operator after update on api_clients for each row
    when (current_user = 'sluice_operator') execute function record_operator_action('api_client.updated', 'id');
create trigger rates_set_by_operator after insert on rates for each row
    when (current_user = 'sluice_operator') execute function record_operator_action('rate.set', 'currency');
-- Only for statements that set `parked_at`, so that claims and outcomes do not even check it.
create trigger jobs_redriven_by_operator after update of parked_at on jobs for each row
    when (current_user = 'sluice_operator') execute function record_operator_action('job.redriven', 'owner_id');

-- What one operator proposes and another approves. Both tables are only ever inserted into.
create table proposals (
    id          bigint generated always as identity primary key,
    action      text not null constraint proposals_action_known check (action in ('merchant.enable')),
    merchant_id uuid not null references merchants,
    reason      text not null constraint proposals_reason_length check (length(reason) between 1 and 500),
    proposed_by text not null default session_user,
    proposed_at timestamptz not null default now(),
    -- The role itself is a login of programs, and names no person.
    constraint proposals_by_a_person check (proposed_by <> 'sluice_operator'),
    constraint proposals_id_with_proposer unique (id, proposed_by)
);

create table approvals (
    proposal_id bigint primary key,
    -- Repeats the proposal's, so that a check can compare the two.
    proposed_by text not null,
    approved_by text not null default session_user,
    approved_at timestamptz not null default now(),
    constraint approvals_of_a_proposal foreign key (proposal_id, proposed_by) references proposals (id, proposed_by),
    constraint approvals_by_another_person check (approved_by <> proposed_by),
    constraint approvals_by_a_person check (approved_by <> 'sluice_operator')
);

do $$
declare
    one text;
begin
    foreach one in array array['proposals', 'approvals'] loop
        execute format('create trigger %I before update or delete on %I for each row execute function refuse_change()',
                       one || '_immutable', one);
        execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()',
                       one || '_not_truncated', one);
    end loop;
end $$;

create trigger proposals_created_by_operator after insert on proposals for each row
    when (current_user = 'sluice_operator') execute function record_operator_action('proposal.created', 'id');
create trigger approvals_created_by_operator after insert on approvals for each row
    when (current_user = 'sluice_operator') execute function record_operator_action('proposal.approved', 'proposal_id');

-- An operator alone cannot enable a merchant.
create function refuse_enabling() returns trigger language plpgsql as $$
begin
    raise exception 'a disabled merchant is enabled by an approved proposal'
        using errcode = 'check_violation', constraint = 'merchants_enabled_by_two';
end $$;

create trigger merchants_enabled_by_two before update of disabled_at on merchants for each row
    when (current_user = 'sluice_operator' and old.disabled_at is not null and new.disabled_at is null)
    execute function refuse_enabling();

-- Does what was approved, as the tables' owner. Fails if the proposal has lapsed: it is a week old, or the
-- merchant was enabled or disabled again since.
create function carry_out_approval() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update merchants m set disabled_at = null, disabled_reason = null
    from proposals p
    where p.id = new.proposal_id and p.action = 'merchant.enable' and m.id = p.merchant_id
      and m.disabled_at <= p.proposed_at and p.proposed_at > now() - interval '7 days';
    if not found then
        raise exception 'proposal % has lapsed', new.proposal_id
            using errcode = 'check_violation', constraint = 'approvals_in_time';
    end if;
    return null;
end $$;

create trigger approvals_carried_out after insert on approvals
    for each row execute function carry_out_approval();

alter table operator_actions enable row level security;
alter table proposals enable row level security;
alter table approvals enable row level security;
create policy operator_actions_of_all_merchants on operator_actions for select to sluice_operator using (true);
create policy proposals_of_all_merchants on proposals to sluice_operator using (true) with check (true);
create policy approvals_of_all_merchants on approvals to sluice_operator using (true) with check (true);

grant select on operator_actions, proposals, approvals to sluice_operator;
grant insert (action, merchant_id, reason) on proposals to sluice_operator;
grant insert (proposal_id, proposed_by) on approvals to sluice_operator;

-- The newest migration, for `sluice status`. In plpgsql, because sqlx creates its table, not a migration.
create function schema_version() returns bigint
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
    return (select max(version) from _sqlx_migrations where success);
end $$;
revoke execute on function schema_version from public;
grant execute on function schema_version to sluice_operator;
