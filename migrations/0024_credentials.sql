-- Disabled merchants, and keys and client secrets that end: what `sluice merchant disable` and `sluice key`
-- write. The functions of 0012_roles.sql keep their results for API processes of the version before.

alter table merchants
    -- Since when its requests are refused; null while it is enabled.
    add column disabled_at timestamptz,
    add column disabled_reason text;
alter table merchants add constraint merchants_disabled_with_reason
    check ((disabled_at is null) = (disabled_reason is null) and length(disabled_reason) between 1 and 500) not valid;

-- Accepted until then; null is without end. Set when the key is rolled.
alter table api_keys add column expires_at timestamptz;

alter table api_clients
    -- The secret before the last roll, accepted until `previous_expires_at`.
    add column previous_secret_hash bytea,
    add column previous_expires_at timestamptz,
    add column revoked_at timestamptz;
alter table api_clients add constraint api_clients_previous_secret_ends
    check ((previous_secret_hash is null) = (previous_expires_at is null)
           and length(previous_secret_hash) = 32) not valid;

-- Whom a key identifies. A disabled merchant's is found too, so that the response can say why it is refused.
create function holder_of_key(key_hash bytea)
returns table (id uuid, merchant_id uuid, live boolean, rate_limit integer, is_disabled boolean)
language sql stable security definer set search_path = public, pg_temp as $$
    select k.id, k.merchant_id, k.live, m.rate_limit, m.disabled_at is not null
    from api_keys k join merchants m on m.id = k.merchant_id
    where k.hash = key_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
$$;

-- Whom an access token identifies. Tokens are deleted with the client or secret that they were issued for.
create function holder_of_token(token_hash bytea)
returns table (limited_as uuid, merchant_id uuid, live boolean, rate_limit integer, is_disabled boolean,
               is_expired boolean, scope text)
language sql stable security definer set search_path = public, pg_temp as $$
    select c.limited_as, c.merchant_id, c.live, m.rate_limit, m.disabled_at is not null, t.expires_at <= now(),
           t.scope
    from access_tokens t
    join api_clients c on c.id = t.client_id
    join merchants m on m.id = c.merchant_id
    where t.hash = token_hash and c.revoked_at is null
$$;

-- Issues a token if the credentials are valid and the merchant is enabled. Returns no row if
-- they are not valid.
create function issue_access_token(client text, client_secret_hash bytea, token_hash bytea, token_scope text,
                                  seconds double precision)
returns table (is_disabled boolean)
language sql security definer set search_path = public, pg_temp as $$
    with given as (
        select c.id, m.disabled_at is not null as is_disabled
        from api_clients c join merchants m on m.id = c.merchant_id
        where c.id = client and c.revoked_at is null
          and (c.secret_hash = client_secret_hash
               or (c.previous_secret_hash = client_secret_hash and c.previous_expires_at > now()))
        -- Waits for a roll of the secret, and compares with what it wrote.
        for share of c
    ), issued as (
        insert into access_tokens (hash, client_id, scope, expires_at)
        select token_hash, g.id, token_scope, now() + make_interval(secs => seconds)
        from given g where not g.is_disabled
    )
    select g.is_disabled from given g
$$;

-- What a merchant lets payers do and see.
create function merchant_for_payers(merchant uuid)
returns table (public_intents text, is_disabled boolean)
language sql stable security definer set search_path = public, pg_temp as $$
    select m.public_intents, m.disabled_at is not null from merchants m where m.id = merchant
$$;

revoke execute on function holder_of_key, holder_of_token, issue_access_token, merchant_for_payers from public;
grant execute on function holder_of_key, holder_of_token, issue_access_token, merchant_for_payers to sluice_api;

-- For the version before: it refuses what it cannot tell apart.

create or replace function principal_by_key(key_hash bytea)
returns table (id uuid, merchant_id uuid, live boolean, rate_limit integer)
language sql stable security definer set search_path = public, pg_temp as $$
    select h.id, h.merchant_id, h.live, h.rate_limit from holder_of_key(key_hash) h where not h.is_disabled
$$;

create or replace function principal_by_token(token_hash bytea)
returns table (limited_as uuid, merchant_id uuid, live boolean, rate_limit integer, is_expired boolean,
               scope text)
language sql stable security definer set search_path = public, pg_temp as $$
    select h.limited_as, h.merchant_id, h.live, h.rate_limit, h.is_expired, h.scope
    from holder_of_token(token_hash) h where not h.is_disabled
$$;

create or replace function issue_token(client text, client_secret_hash bytea, token_hash bytea, token_scope text,
                                      seconds double precision)
returns boolean
language sql security definer set search_path = public, pg_temp as $$
    select coalesce((select not i.is_disabled
                     from issue_access_token(client, client_secret_hash, token_hash, token_scope, seconds) i), false)
$$;

-- Rolling a secret keeps its hash; the hashes of keys stay unreadable.
grant select (id, merchant_id, live, last4, created_at, revoked_at, expires_at), update (revoked_at, expires_at)
    on api_keys to sluice_operator;
grant select (id, merchant_id, live, secret_hash, created_at, revoked_at, previous_expires_at),
      update (secret_hash, previous_secret_hash, previous_expires_at, revoked_at)
    on api_clients to sluice_operator;
grant select (client_id), delete on access_tokens to sluice_operator;
grant update (disabled_at, disabled_reason) on merchants to sluice_operator;
