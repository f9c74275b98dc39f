-- Merchants and their credentials.

create table merchants (
    id          uuid primary key,
    name        text not null constraint merchants_name_length check (length(name) between 1 and 200),
    -- Requests a minute for each key; null is the surface's default.
    rate_limit  integer constraint merchants_rate_limit_positive check (rate_limit > 0),
    fee_basis_points smallint not null
        constraint merchants_fee_range check (fee_basis_points between 0 and 10000),
    -- The support address for payers.
    email       text constraint merchants_email_length check (length(email) between 3 and 254),
    -- The merchant's own currency; lists show rates in it.
    currency    text not null default 'USD'
        constraint merchants_currency_code check (currency ~ '^[A-Z]{3}$'),
    -- What anonymous callers who know an intent's id may read of it.
    public_intents text not null default 'full'
        constraint merchants_public_intents_known check (public_intents in ('full', 'redacted')),
    created_at  timestamptz not null default now()
);

create table api_keys (
    id          uuid primary key,
    merchant_id uuid not null references merchants,
    live        boolean not null,
    -- SHA-256 of the key. No salt or slow hash is needed: the key has 256 random bits. It is shown once.
    hash        bytea not null constraint api_keys_hash_length check (length(hash) = 32),
    last4       text not null,
    created_at  timestamptz not null default now(),
    revoked_at  timestamptz,
    constraint api_keys_hash_unique unique (hash)
);

-- Client credentials for token routes.
create table api_clients (
    id          text primary key,
    merchant_id uuid not null references merchants,
    live        boolean not null,
    secret_hash bytea not null constraint api_clients_hash_length check (length(secret_hash) = 32),
    -- All tokens of one client share one rate limit, counted under this id.
    limited_as  uuid not null default gen_random_uuid(),
    created_at  timestamptz not null default now()
);

-- Short-lived tokens, accepted wherever a key is. Only their hash is stored.
create table access_tokens (
    hash       bytea primary key constraint access_tokens_hash_length check (length(hash) = 32),
    client_id  text not null references api_clients,
    -- The scope that the client requested; null grants full access.
    scope      text,
    expires_at timestamptz not null
);

create index access_tokens_by_age on access_tokens (expires_at);

-- Requests per key, surface and minute, summed over all API processes. Unlogged: after a crash of
-- the database the count restarts at zero, which only lets a client send more requests for a minute.
create unlogged table rate_windows (
    subject uuid not null,
    surface text not null,
    minute  timestamptz not null,
    hits    integer not null,
    primary key (subject, surface, minute)
) with (fillfactor = 50);
