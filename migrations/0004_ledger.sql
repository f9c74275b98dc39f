-- Double entry: debits positive, credits negative, every posting one currency and zero in sum.

create table ledger_postings (
    id         uuid primary key,
    payment_id uuid not null references payments,
    kind       text not null constraint ledger_postings_kind_known check (kind in ('hold', 'release', 'capture')),
    currency   text not null,
    at         timestamptz not null default now(),
    constraint ledger_postings_once unique (payment_id, kind)
);

create table ledger_entries (
    posting_id  uuid not null references ledger_postings,
    account     text not null constraint ledger_entries_account_known check
        (account in ('acquirer_hold', 'merchant_hold', 'acquirer_receivable', 'merchant_balance', 'fee_revenue')),
    merchant_id uuid not null,
    live        boolean not null,
    amount      numeric not null constraint ledger_entries_amount_range check
        (amount <> 0 and abs(amount) < 1000000000000),
    primary key (posting_id, account)
);

-- What one statement writes into a posting is zero in sum, and so is, statement by statement, the
-- whole posting.
create function ledger_refuse_unbalanced() returns trigger language plpgsql as $$
begin
    if exists (select from written group by posting_id having sum(amount) <> 0) then
        raise exception 'a posting does not balance'
            using errcode = 'check_violation', constraint = 'ledger_entries_balanced';
    end if;
    return null;
end $$;

create trigger ledger_entries_balanced after insert on ledger_entries
    referencing new table as written
    for each statement execute function ledger_refuse_unbalanced();

create trigger ledger_postings_immutable before update or delete on ledger_postings
    for each row execute function refuse_change();
create trigger ledger_postings_kept before truncate on ledger_postings
    for each statement execute function refuse_change();
create trigger ledger_entries_immutable before update or delete on ledger_entries
    for each row execute function refuse_change();
create trigger ledger_entries_kept before truncate on ledger_entries
    for each statement execute function refuse_change();
