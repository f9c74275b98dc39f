-- Payments and who pays.

create table customers (
    id          uuid primary key,
    merchant_id uuid not null references merchants,
    live        boolean not null,
    email       text,
    name        text,
    phone       text,
    created_at  timestamptz not null default now()
);

-- One customer for one address; those without an address are each their own.
create unique index customers_email_unique on customers (merchant_id, live, lower(email))
    where email is not null;

create table payments (
    id               uuid primary key,
    merchant_id      uuid not null references merchants,
    live             boolean not null,
    state            text not null constraint payments_state_known check
        (state in ('created', 'authorizing', 'capturing', 'captured', 'failed', 'expired')),
    -- Grows by one with every event; the guard of every change.
    version          integer not null default 0,
    failure          text constraint payments_failure_known check
        (failure in ('card_declined', 'insufficient_funds', 'expired_card', 'processing_error', 'payment_expired')),
    amount           numeric not null constraint payments_amount_range check
        (amount > 0 and amount < 1000000000000),
    currency         text not null constraint payments_currency_code check (currency ~ '^[A-Z]{3}$'),
    exponent         smallint not null constraint payments_exponent_range check (exponent between 0 and 4),
    method           text not null constraint payments_method_known check (method in ('card')),
    description      text,
    metadata         jsonb not null default '{}',
    customer_id      uuid references customers,
    card_brand       text,
    card_last4       text,
    card_exp_month   smallint,
    card_exp_year    smallint,
    -- HMAC-SHA256 of the whole number under a key only the card worker holds (PCI DSS 3.5.1.1).
    card_fingerprint bytea,
    -- When an unpaid payment expires.
    expires_at       timestamptz,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint payments_amount_exponent check (amount = round(amount, exponent::integer)),
    constraint payments_failure_with_state check
        ((failure is not null) = (state in ('failed', 'expired'))),
    constraint payments_card_last4 check (card_last4 ~ '^[0-9]{4}$')
) with (fillfactor = 85);

create index payments_by_merchant on payments (merchant_id, live, id desc);
create index payments_in_work on payments (state) where state in ('authorizing', 'capturing');

-- Terminal stays terminal, whoever writes.
create function payments_refuse_after_the_end() returns trigger language plpgsql as $$
begin
    raise exception 'payment % is % and stays so', old.id, old.state
        using errcode = 'check_violation', constraint = 'payments_terminal_stays';
end $$;

create trigger payments_terminal_stays before update on payments
    for each row when (old.state in ('captured', 'failed', 'expired') and new.state <> old.state)
    execute function payments_refuse_after_the_end();

-- What was asked for is never changed.
create function payments_refuse_new_terms() returns trigger language plpgsql as $$
begin
    raise exception 'the terms of payment % are fixed', old.id
        using errcode = 'check_violation', constraint = 'payments_terms_stay';
end $$;

create trigger payments_terms_stay before update on payments
    for each row when ((old.id, old.merchant_id, old.live, old.amount, old.currency, old.exponent)
                       is distinct from
                       (new.id, new.merchant_id, new.live, new.amount, new.currency, new.exponent))
    execute function payments_refuse_new_terms();

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is written once and never changed', tg_table_name
        using errcode = 'check_violation', constraint = tg_table_name || '_immutable';
end $$;

-- Every event of every payment, in the order of its versions.
create table payment_history (
    payment_id       uuid not null references payments,
    version          integer not null,
    event            text not null,
    state            text not null,
    authorization_id uuid,
    at               timestamptz not null default now(),
    primary key (payment_id, version)
);

create trigger payment_history_immutable before update or delete on payment_history
    for each row execute function refuse_change();
create trigger payment_history_kept before truncate on payment_history
    for each statement execute function refuse_change();

-- One answer for one key of a merchant, for 24 hours.
create table idempotency_keys (
    merchant_id uuid not null references merchants,
    live        boolean not null,
    key         text not null constraint idempotency_keys_length check (length(key) between 1 and 255),
    -- HMAC-SHA256 of the request under a server key, the security code left out.
    fingerprint bytea not null,
    payment_id  uuid not null,
    -- The first answer given; the first writer wins.
    status      smallint,
    body        text,
    created_at  timestamptz not null default now(),
    primary key (merchant_id, live, key)
);

create index idempotency_keys_by_age on idempotency_keys (created_at);
