-- Captured money on its way back to payers.

-- What was given back or is on its way back; never more than was captured.
alter table payments
    add column refunded numeric not null default 0,
    add constraint payments_refunded_range check (refunded >= 0 and refunded <= amount),
    add constraint payments_refunded_after_capture check (refunded = 0 or state = 'captured');

create table refunds (
    -- With its prefix our reference at the acquirer, which honours it once.
    id          uuid primary key,
    payment_id  uuid not null references payments,
    merchant_id uuid not null references merchants,
    live        boolean not null,
    state       text not null constraint refunds_state_known check (state in ('refunding', 'refunded', 'failed')),
    amount      numeric not null constraint refunds_amount_positive check (amount > 0),
    reason      text,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now()
);

create index refunds_by_payment on refunds (payment_id);
create index refunds_by_merchant on refunds (merchant_id, live, id desc);

create function refunds_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'refund % is % and stays so', old.id, old.state
        using errcode = 'check_violation', constraint = 'refunds_terminal_stays';
end $$;

-- Terminal stays terminal, and what was asked for is never changed.
create trigger refunds_terminal_stays before update on refunds
    for each row when (old.state <> 'refunding'
                       or (old.id, old.payment_id, old.merchant_id, old.live, old.amount)
                          is distinct from
                          (new.id, new.payment_id, new.merchant_id, new.live, new.amount))
    execute function refunds_refuse_change();

alter table ledger_postings
    add column refund_id uuid references refunds,
    drop constraint ledger_postings_kind_known,
    add constraint ledger_postings_kind_known check (kind in ('hold', 'release', 'capture', 'refund')),
    add constraint ledger_postings_refund check ((refund_id is not null) = (kind = 'refund')),
    drop constraint ledger_postings_once,
    add constraint ledger_postings_once unique nulls not distinct (payment_id, kind, refund_id);

alter table jobs
    drop constraint jobs_worker_known,
    add constraint jobs_worker_known check (worker in ('card', 'refund', 'webhook'));

-- A merchant's own movements, newest first.
create index ledger_entries_of_merchant on ledger_entries (merchant_id, live, posting_id desc)
    where account = 'merchant_balance';
