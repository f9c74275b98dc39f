-- Intents: what a merchant wants to be paid under conditions. What became of it is told by its
-- payments.

create table intents (
    id                      uuid primary key,
    merchant_id             uuid not null references merchants,
    live                    boolean not null,
    amount                  numeric not null constraint intents_amount_range check
        (amount > 0 and amount < 1000000000000),
    currency                text not null constraint intents_currency_code check (currency ~ '^[A-Z]{3,4}$'),
    exponent                smallint not null constraint intents_exponent_range check (exponent between 0 and 18),
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

create index intents_by_merchant on intents (merchant_id, live, id desc);

alter table payments
    add column intent_id uuid references intents,
    -- Labels and the way back for the hosted page.
    add column checkout jsonb;

-- Never two payments that may both take the payer's money for one intent.
create unique index payments_one_for_an_intent on payments (intent_id)
    where intent_id is not null and state not in ('failed', 'expired');
create index payments_by_intent on payments (intent_id, id desc) where intent_id is not null;

-- A list of payments does not step over those of intents.
drop index payments_by_merchant;
create index payments_by_merchant on payments (merchant_id, live, id desc) where intent_id is null;

-- Locks the intent, so that it is canceled before its payment is stored, or not at all.
create function payments_refuse_closed_intent() returns trigger language plpgsql as $$
begin
    perform from intents
        where id = new.intent_id and merchant_id = new.merchant_id and live = new.live
          and canceled_at is null
        for update;
    if not found then
        raise exception 'intent % takes no payment', new.intent_id
            using errcode = 'check_violation', constraint = 'payments_intent_open';
    end if;
    return new;
end $$;

create trigger payments_intent_open before insert on payments
    for each row when (new.intent_id is not null)
    execute function payments_refuse_closed_intent();

create function intents_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'an intent is canceled once and not changed otherwise'
        using errcode = 'check_violation', constraint = 'intents_terms_stay';
end $$;

create trigger intents_terms_stay before update on intents
    for each row when (old.canceled_at is not null
                       or (to_jsonb(old) - 'canceled_at') is distinct from (to_jsonb(new) - 'canceled_at'))
    execute function intents_refuse_change();
