-- Payments, their history, and the idempotency keys of the requests that created them.

create domain payment_state as text constraint payment_state_known check
    (value in ('created', 'authorizing', 'capturing', 'captured', 'failed', 'expired'));
create domain payment_failure as text constraint payment_failure_known check
    (value in ('card_declined', 'insufficient_funds', 'expired_card', 'processing_error', 'payment_expired'));
create domain payment_method as text constraint payment_method_known check (value in ('card', 'crypto'));
create domain card_last4 as text constraint card_last4_digits check (value ~ '^[0-9]{4}$');

create table payments (
    id               uuid primary key,
    merchant_id      uuid not null references merchants,
    live             boolean not null,
    state            payment_state not null,
    -- Incremented by every event. A transition names the version it read, so that two cannot both apply.
    version          integer not null default 0,
    failure          payment_failure,
    amount           money_amount not null,
    currency         currency_code not null,
    exponent         currency_exponent not null,
    method           payment_method not null,
    description      text,
    metadata         jsonb not null default '{}',
    customer_id      uuid references customers,
    card_brand       text,
    card_last4       card_last4,
    card_exp_month   smallint,
    card_exp_year    smallint,
    -- HMAC-SHA256 of the whole number, under a key that only the card worker has (PCI DSS 3.5.1.1).
    card_fingerprint bytea,
    -- The intent that it pays, if any.
    intent_id        uuid references intents,
    -- Labels and the return URL of the hosted page.
    checkout         jsonb,
    -- The amount refunded, including refunds in progress.
    refunded         numeric not null default 0,
    -- When a refund last changed that amount.
    refunded_at      timestamptz,
    -- When an unpaid payment expires.
    expires_at       timestamptz,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint payments_amount_exponent check (amount = round(amount, exponent::integer)),
    constraint payments_failure_with_state check
        ((failure is not null) = (state in ('failed', 'expired'))),
    constraint payments_refunded_range check (refunded >= 0 and refunded <= amount),
    constraint payments_refunded_after_capture check (refunded = 0 or state = 'captured')
) with (fillfactor = 85);

-- Lists of payments exclude those that pay intents, so these indexes do too.
create index payments_by_merchant on payments (merchant_id, live, created_at desc, id desc)
    where intent_id is null;
create index payments_by_state on payments (merchant_id, live, state, created_at desc, id desc)
    where intent_id is null;
create index payments_by_intent on payments (intent_id, id desc) where intent_id is not null;

-- At most one payment of an intent that may take the payer's money.
create unique index payments_one_for_an_intent on payments (intent_id)
    where intent_id is not null and state not in ('failed', 'expired');

-- Locks the intent. A concurrent cancellation then either commits first, and the payment is rejected, or
-- waits and finds the payment. An intent takes five payments at most.
create function payments_refuse_closed_intent() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform from intents
        where id = new.intent_id and merchant_id = new.merchant_id and live = new.live
          and canceled_at is null
        for update;
    if not found then
        raise exception 'intent % takes no payment', new.intent_id
            using errcode = 'check_violation', constraint = 'payments_intent_open';
    end if;
    -- Whoever tests stolen cards needs no key for this.
    if (select count(*) from payments where intent_id = new.intent_id) >= 5 then
        raise exception 'intent % takes no more cards', new.intent_id
            using errcode = 'check_violation', constraint = 'payments_intent_cards';
    end if;
    return new;
end $$;

create trigger payments_intent_open before insert on payments
    for each row when (new.intent_id is not null)
    execute function payments_refuse_closed_intent();

-- Final states are final, whichever process writes.
create function payments_refuse_after_the_end() returns trigger language plpgsql as $$
begin
    raise exception 'payment % is % and stays so', old.id, old.state
        using errcode = 'check_violation', constraint = 'payments_terminal_stays';
end $$;

-- A payment that failed or expired has a failure.
create trigger payments_terminal_stays before update of state on payments
    for each row when ((old.state = 'captured' or old.failure is not null) and new.state <> old.state)
    execute function payments_refuse_after_the_end();

-- The amount, currency and merchant of a payment never change.
create function payments_refuse_new_terms() returns trigger language plpgsql as $$
begin
    raise exception 'the terms of payment % are fixed', old.id
        using errcode = 'check_violation', constraint = 'payments_terms_stay';
end $$;

create trigger payments_terms_stay
    before update of id, merchant_id, live, amount, currency, exponent on payments
    for each row execute function payments_refuse_new_terms();

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is written once and never changed', tg_table_name
        using errcode = 'check_violation', constraint = tg_table_name || '_immutable';
end $$;

-- All events of all payments, in the order of their versions.
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

-- One response per key of a merchant, for 24 hours.
create table idempotency_keys (
    merchant_id uuid not null references merchants,
    live        boolean not null,
    key         text not null constraint idempotency_keys_length check (length(key) between 1 and 255),
    -- HMAC-SHA256 of the request without the security code, under a server key.
    fingerprint bytea not null,
    -- The object that the request created or acted on.
    subject_id  uuid not null,
    -- The response. The first writer wins, so that all repeats receive the same.
    status      smallint,
    body        text,
    created_at  timestamptz not null default now(),
    primary key (merchant_id, live, key)
);

create index idempotency_keys_by_age on idempotency_keys (created_at);
