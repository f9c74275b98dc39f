-- What merchants are told, and where.

create table webhook_endpoints (
    id          uuid primary key,
    merchant_id uuid not null references merchants,
    live        boolean not null,
    -- In whose words it is told.
    surface     text not null constraint webhook_endpoints_surface_known check (surface in ('paygate', 'finfusion')),
    url         text not null constraint webhook_endpoints_url_length check (length(url) <= 2000),
    -- The subscription in the surface's words; '*' is everything.
    events      text[] not null constraint webhook_endpoints_events_some check (cardinality(events) > 0),
    metadata    jsonb not null default '{}',
    -- Sign with Ed25519 too (Standard Webhooks v1a). Secrets are derived, never stored.
    ed25519     boolean not null default false,
    created_at  timestamptz not null default now()
);

create index webhook_endpoints_by_merchant on webhook_endpoints (merchant_id, live);

create table events (
    id          uuid primary key,
    merchant_id uuid not null,
    live        boolean not null,
    kind        text not null,
    payment_id  uuid not null references payments,
    -- The notice, frozen: facts, not any surface's words.
    notice      jsonb not null,
    created_at  timestamptz not null default now(),
    constraint events_once unique (payment_id, kind)
);

create trigger events_immutable before update on events
    for each row execute function refuse_change();

create table deliveries (
    id          uuid primary key,
    event_id    uuid not null references events,
    endpoint_id uuid not null references webhook_endpoints,
    state       text not null constraint deliveries_state_known check
        (state in ('delivering', 'delivered', 'exhausted')),
    attempts    integer not null default 0,
    -- The bytes of the first try, kept once one has failed, so that every later one is the same.
    body        text,
    updated_at  timestamptz not null default now(),
    constraint deliveries_once unique (event_id, endpoint_id)
) with (fillfactor = 85);

create table delivery_attempts (
    delivery_id uuid not null references deliveries,
    attempt     integer not null,
    -- The endpoint's answer, if there was one.
    status      smallint,
    -- Why there was none.
    error       text,
    duration_ms integer not null,
    at          timestamptz not null default now(),
    primary key (delivery_id, attempt)
);
