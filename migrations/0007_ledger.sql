-- Double entry: debits are positive, credits negative. A posting has one currency and sums to zero.

create domain posting_cause as text constraint posting_cause_known check (value in ('payment', 'refund'));
create domain posting_kind as text constraint posting_kind_known check
    (value in ('hold', 'release', 'capture', 'refund'));
create domain ledger_account as text constraint ledger_account_known check
    (value in ('acquirer_hold', 'merchant_hold', 'acquirer_receivable', 'merchant_balance', 'fee_revenue'));
create domain entry_amount as numeric constraint entry_amount_range check
    (value <> 0 and abs(value) < 1000000000000);

create table ledger_postings (
    id          uuid primary key,
    -- What caused the posting: a payment or a refund. Each cause posts each kind at most once.
    cause       posting_cause not null,
    cause_id    uuid not null,
    kind        posting_kind not null,
    merchant_id uuid not null,
    live        boolean not null,
    currency    currency_code not null,
    at          timestamptz not null default now(),
    constraint ledger_postings_once unique (cause_id, cause, kind)
);

create table ledger_entries (
    posting_id  uuid not null,
    account     ledger_account not null,
    merchant_id uuid not null,
    live        boolean not null,
    amount      entry_amount not null,
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
