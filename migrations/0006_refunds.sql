-- Refunds of captured payments.

create domain refund_state as text constraint refund_state_known check
    (value in ('refunding', 'refunded', 'failed'));

create table refunds (
    -- With its prefix, the reference at the acquirer, which processes it once.
    id          uuid primary key,
    payment_id  uuid not null references payments,
    -- The intent that the payment pays, if any.
    intent_id   uuid references intents,
    merchant_id uuid not null references merchants,
    live        boolean not null,
    state       refund_state not null,
    amount      money_amount not null,
    reason      text,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now()
);

create index refunds_by_payment on refunds (payment_id);
-- Lists of refunds exclude those of intents, like lists of payments.
create index refunds_by_merchant on refunds (merchant_id, live, id desc) where intent_id is null;

create function refunds_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'refund % is % and stays so', old.id, old.state
        using errcode = 'check_violation', constraint = 'refunds_terminal_stays';
end $$;

-- Final states are final, and the terms never change.
create trigger refunds_terminal_stays before update on refunds
    for each row when (old.state <> 'refunding'
                       or (old.id, old.payment_id, old.merchant_id, old.live, old.amount)
                          is distinct from
                          (new.id, new.payment_id, new.merchant_id, new.live, new.amount))
    execute function refunds_refuse_change();
