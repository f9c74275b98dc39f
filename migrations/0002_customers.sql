-- Customers: created by a merchant, or together with a payment.

create table customers (
    id          uuid primary key,
    merchant_id uuid not null references merchants,
    live        boolean not null,
    email       text,
    name        text,
    phone       text,
    description text,
    metadata    jsonb not null default '{}',
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now()
);

-- Addresses are equal if they differ only in the case of ASCII letters. In the locale of a database, lower()
-- also merges other letters, such as İ with i or the Kelvin sign with k: those are addresses of two people.
create function email_key(email text) returns text language sql immutable parallel safe
    return lower(email collate "C");

-- One customer per email address; customers without an address are distinct.
create unique index customers_email_unique on customers (merchant_id, live, email_key(email))
    where email is not null;
create index customers_by_merchant on customers (merchant_id, live, id desc);
