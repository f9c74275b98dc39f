-- What the four surfaces need beside payments.

-- Any object that a request made, not only a payment.
alter table idempotency_keys rename column payment_id to subject_id;

-- Short-lived tokens, taken wherever a key is. Only their hash is kept.
create table access_tokens (
    hash       bytea primary key constraint access_tokens_hash_length check (length(hash) = 32),
    client_id  text not null references api_clients,
    -- What the token may be used for, as the client asked.
    scope      text,
    expires_at timestamptz not null
);

create index access_tokens_by_age on access_tokens (expires_at);

-- One merchant's client is limited as one, however many tokens it holds.
alter table api_clients add column limited_as uuid not null default gen_random_uuid();

alter table webhook_endpoints
    drop constraint webhook_endpoints_surface_known,
    add constraint webhook_endpoints_surface_known check (surface in ('finternet', 'paygate', 'finfusion')),
    -- The subscription in the core's own words, which events are matched with.
    add column kinds text[] not null default '{}',
    add column status text not null default 'active'
        constraint webhook_endpoints_status_known check (status in ('active', 'disabled', 'deleted')),
    add column updated_at timestamptz not null default now();

update webhook_endpoints
set kinds = array(
    select kind from (values
        ('paygate', 'payment.succeeded', 'payment.succeeded'),
        ('paygate', 'payment.failed', 'payment.failed'),
        ('paygate', 'refund.created', 'refund.settled'),
        ('paygate', 'customer.created', 'customer.created'),
        ('paygate', 'customer.updated', 'customer.updated'),
        ('finfusion', 'payment.succeeded', 'payment.succeeded'),
        ('finfusion', 'payment.failed', 'payment.failed'),
        ('finfusion', 'payment.refunded', 'refund.settled')
    ) as w(surface, word, kind)
    where w.surface = webhook_endpoints.surface and webhook_endpoints.events && array[w.word, '*']);

alter table deliveries
    drop constraint deliveries_state_known,
    add constraint deliveries_state_known check
        (state in ('delivering', 'delivered', 'exhausted', 'canceled'));

-- An event is about one thing.
alter table events
    alter column payment_id drop not null,
    add column refund_id uuid references refunds,
    add column customer_id uuid references customers,
    add column intent_id uuid references intents,
    add constraint events_about_one check (num_nonnulls(payment_id, refund_id, customer_id, intent_id) = 1),
    drop constraint events_once;

create unique index events_once on events (payment_id, kind) where payment_id is not null;
create unique index events_refund_once on events (refund_id, kind) where refund_id is not null;
create unique index events_customer_once on events (customer_id)
    where customer_id is not null and kind = 'customer.created';
create unique index events_intent_once on events (intent_id, kind) where intent_id is not null;
