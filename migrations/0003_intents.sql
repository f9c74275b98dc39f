-- Intents: an amount that a merchant wants to receive, and the conditions. An intent's status is not
-- stored: it is computed from the intent's payments.

-- Types with rules. Postgres keeps a type's rules parsed and applies them to the values that a statement
-- writes. A table's checks it parses for each statement and applies to all columns of each row: for a
-- payment's update they cost as much as the update.
create domain money_amount as numeric constraint money_amount_range check
    (value > 0 and value < 1000000000000);
-- ISO 4217 or a token's symbol.
create domain currency_code as text constraint currency_code_format check (value ~ '^[A-Z][A-Z0-9]{2,11}$');
-- How many decimals the currency or token has.
create domain currency_exponent as smallint constraint currency_exponent_range check (value between 0 and 18);

create table intents (
    id                      uuid primary key,
    merchant_id             uuid not null references merchants,
    live                    boolean not null,
    amount                  money_amount not null,
    currency                currency_code not null,
    exponent                currency_exponent not null,
    kind                    text not null constraint intents_kind_known check
        (kind in ('delivery_vs_payment', 'conditional', 'consented_pull')),
    settlement_method       text not null constraint intents_settlement_known check
        (settlement_method in ('off_ramp_mock', 'off_ramp_to_rtp', 'off_ramp_to_bank')),
    settlement_destination  text,
    description             text,
    metadata                jsonb not null default '{}',
    delivery_period_seconds bigint not null constraint intents_delivery_period check (delivery_period_seconds > 0),
    expected_delivery_hash  text,
    auto_release            boolean not null,
    delivery_oracle         text,
    canceled_at             timestamptz,
    created_at              timestamptz not null default now(),
    constraint intents_amount_exponent check (amount = round(amount, exponent::integer))
);

create index intents_by_merchant on intents (merchant_id, live, created_at desc, id desc);

create function intents_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'an intent is canceled once and not changed otherwise'
        using errcode = 'check_violation', constraint = 'intents_terms_stay';
end $$;

create trigger intents_terms_stay before update on intents
    for each row when (old.canceled_at is not null
                       or (to_jsonb(old) - 'canceled_at') is distinct from (to_jsonb(new) - 'canceled_at'))
    execute function intents_refuse_change();
