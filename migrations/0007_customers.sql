-- Customers as merchants keep them, beside those that come with a payment.

alter table customers
    add column description text,
    add column metadata jsonb not null default '{}',
    add column updated_at timestamptz not null default now();

create index customers_by_merchant on customers (merchant_id, live, id desc);
