-- Events, the endpoints that receive them, and their deliveries.

create table webhook_endpoints (
    id          uuid primary key,
    merchant_id uuid not null references merchants,
    live        boolean not null,
    -- The surface whose event format it receives.
    surface     text not null constraint webhook_endpoints_surface_known check
        (surface in ('finternet', 'paygate', 'finfusion')),
    url         text not null constraint webhook_endpoints_url_length check (length(url) <= 2000),
    -- The subscription as the surface names events; '*' is everything.
    events      text[] not null constraint webhook_endpoints_events_some check (cardinality(events) > 0),
    -- The same subscription, with the names of `events.type`.
    event_types text[] not null default '{}',
    status      text not null default 'active'
        constraint webhook_endpoints_status_known check (status in ('active', 'disabled', 'deleted')),
    metadata    jsonb not null default '{}',
    -- Whether to sign with Ed25519 too (Standard Webhooks v1a). Secrets are derived, never stored.
    ed25519     boolean not null default false,
    -- Since when every attempt has failed, and how often; null and 0 if the last one was accepted. After
    -- some failures nothing is sent until `paused_until`, then one attempt at a time.
    failing_since timestamptz,
    failures      integer not null default 0,
    paused_until  timestamptz,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now()
);

create index webhook_endpoints_by_merchant on webhook_endpoints (merchant_id, live);

create domain event_subject as text constraint event_subject_known check
    (value in ('payment', 'refund', 'customer', 'intent'));

create table events (
    id           uuid primary key,
    merchant_id  uuid not null,
    live         boolean not null,
    type         text not null,
    -- The object it is about.
    subject      event_subject not null,
    subject_id   uuid not null,
    -- A snapshot of the subject when the event happened, in the format `data_version`.
    data         jsonb not null,
    data_version smallint not null,
    created_at   timestamptz not null default now()
);

create index events_by_subject on events (subject_id);

create trigger events_immutable before update on events
    for each row execute function refuse_change();

create domain delivery_state as text constraint delivery_state_known check
    (value in ('delivering', 'delivered', 'exhausted', 'canceled'));

create table deliveries (
    id          uuid primary key,
    event_id    uuid not null references events,
    endpoint_id uuid not null references webhook_endpoints,
    state       delivery_state not null,
    attempts    integer not null default 0,
    -- The body of the first attempt, stored when an attempt fails: later attempts send the same bytes.
    body        text,
    updated_at  timestamptz not null default now(),
    constraint deliveries_once unique (event_id, endpoint_id)
) with (fillfactor = 85);

create table delivery_attempts (
    delivery_id uuid not null references deliveries,
    attempt     integer not null,
    -- The HTTP status, if the endpoint responded.
    status      smallint,
    -- Why there was no response.
    error       text,
    duration_ms integer not null,
    at          timestamptz not null default now(),
    primary key (delivery_id, attempt)
);
