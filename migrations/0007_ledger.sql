-- Double entry: debits are positive, credits negative. A posting has one currency and sums to zero.

create table ledger_postings (
    id          uuid primary key,
    -- What caused the posting: a payment or a refund. Each cause posts each kind at most once.
    cause       text not null constraint ledger_postings_cause_known check (cause in ('payment', 'refund')),
    cause_id    uuid not null,
    kind        text not null constraint ledger_postings_kind_known check
        (kind in ('hold', 'release', 'capture', 'refund')),
    merchant_id uuid not null,
    live        boolean not null,
    currency    text not null,
    at          timestamptz not null default now(),
    constraint ledger_postings_once unique (cause_id, cause, kind)
);

create table ledger_entries (
    posting_id  uuid not null,
    account     text not null constraint ledger_entries_account_known check
        (account in ('acquirer_hold', 'merchant_hold', 'acquirer_receivable', 'merchant_balance', 'fee_revenue')),
    merchant_id uuid not null,
    live        boolean not null,
    amount      numeric not null constraint ledger_entries_amount_range check
        (amount <> 0 and abs(amount) < 1000000000000),
    primary key (posting_id, account)
);

-- The movements of a merchant's balance, newest first.
create index ledger_entries_of_merchant on ledger_entries (merchant_id, live, posting_id desc)
    where account = 'merchant_balance';

-- The entries that a statement writes must sum to zero for each posting, and their postings must exist.
-- Checked once per statement: a foreign key would look up the posting for each entry.
create function ledger_refuse_unbalanced() returns trigger language plpgsql as $$
begin
    if exists (select from written w left join ledger_postings p on p.id = w.posting_id
               group by w.posting_id having sum(w.amount) <> 0 or count(p.id) < count(*)) then
        raise exception 'a posting does not balance, or does not exist'
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
