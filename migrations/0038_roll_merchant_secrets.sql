-- `sluice key roll` gives a merchant a new webhook secret, which signs the webhooks of all its endpoints.

alter table merchants
    -- Secrets are derived from the id and this number, which a roll increments.
    add column webhook_secret_version integer not null default 0,
    -- Until when the secret before this one signs too.
    add column previous_webhook_secret_until timestamptz;

grant update (webhook_secret_version, previous_webhook_secret_until) on merchants to sluice_operator;
grant select (id, webhook_secret_version, previous_webhook_secret_until) on merchants to sluice_webhook;
