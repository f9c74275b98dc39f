-- Whose data it is, and by which keys they come in.

create table merchants (
    id          uuid primary key,
    name        text not null constraint merchants_name_length check (length(name) between 1 and 200),
    -- Requests a minute for each key; null is the default of the surface.
    rate_limit  integer constraint merchants_rate_limit_positive check (rate_limit > 0),
    fee_basis_points smallint not null
        constraint merchants_fee_range check (fee_basis_points between 0 and 10000),
    created_at  timestamptz not null default now()
);

create table api_keys (
    id          uuid primary key,
    merchant_id uuid not null references merchants,
    live        boolean not null,
    -- SHA-256 of the key; the key itself has 256 random bits and is shown once.
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
    created_at  timestamptz not null default now()
);

-- Hits per key, surface and minute, summed over all API processes. Unlogged: after a crash of the
-- database a minute's count starts again, which costs nobody anything.
create unlogged table rate_windows (
    subject uuid not null,
    surface text not null,
    minute  timestamptz not null,
    hits    integer not null,
    primary key (subject, surface, minute)
) with (fillfactor = 50);
