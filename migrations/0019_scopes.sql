-- A token opens what it was asked for.
drop function principal_by_token(bytea);

create function principal_by_token(token_hash bytea)
returns table (limited_as uuid, merchant_id uuid, live boolean, rate_limit integer, is_expired boolean,
               scope text)
language sql stable security definer set search_path = public, pg_temp as $$
    select c.limited_as, c.merchant_id, c.live, m.rate_limit, t.expires_at <= now(), t.scope
    from access_tokens t
    join api_clients c on c.id = t.client_id
    join merchants m on m.id = c.merchant_id
    where t.hash = token_hash
$$;

revoke execute on function principal_by_token from public;
grant execute on function principal_by_token to sluice_api;
