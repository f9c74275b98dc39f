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

create index account_days_by_day on account_days (day);

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
