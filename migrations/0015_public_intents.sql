-- What strangers who hold an intent's id may read of its merchant.

alter table merchants
    add column public_intents text not null default 'full'
        constraint merchants_public_intents_known check (public_intents in ('full', 'redacted'));

create function public_intents_of(merchant uuid) returns text
language sql stable security definer set search_path = public, pg_temp as $$
    select m.public_intents from merchants m where m.id = merchant
$$;

revoke execute on function public_intents_of from public;
grant execute on function public_intents_of to sluice_api;
