-- Protection against card testing: what is counted, and the verdicts of the rules.

-- Unlogged: after a crash of the database the counts restart at zero, which only lets someone try more cards.

-- Declines of a card, known by its fingerprint, at a merchant.
create unlogged table card_declines (
    fingerprint bytea not null,
    live        boolean not null,
    hour        timestamptz not null,
    merchant_id uuid not null,
    declines    integer not null,
    primary key (fingerprint, live, hour, merchant_id)
) with (fillfactor = 50);

-- Cards that were tried at a merchant, on public routes and directly, once their outcome was known.
create unlogged table merchant_attempts (
    merchant_id uuid not null,
    live        boolean not null,
    minute      timestamptz not null,
    tries       integer not null,
    declines    integer not null,
    primary key (merchant_id, live, minute)
) with (fillfactor = 50);

-- Cards that a client address tried on public routes. The address is an HMAC under a key of the API.
create unlogged table address_attempts (
    address  bytea not null,
    live     boolean not null,
    minute   timestamptz not null,
    tries    integer not null,
    declines integer not null,
    primary key (address, live, minute)
) with (fillfactor = 50);

create index card_declines_by_age on card_declines (hour);
create index merchant_attempts_by_age on merchant_attempts (minute);
create index address_attempts_by_age on address_attempts (minute);

create table risk_verdicts (
    id          bigint generated always as identity primary key,
    rule        text not null constraint risk_verdicts_rule_known check
        (rule in ('card_at_merchant', 'card', 'address_tries', 'address_declines', 'merchant')),
    merchant_id uuid not null references merchants,
    live        boolean not null,
    -- The payment that was declined without the acquirer. No foreign key: to add one would lock payments.
    payment_id  uuid,
    -- The address that was blocked, as in address_attempts.
    address     bytea,
    -- What was counted in the rule's window.
    tries       integer,
    declines    integer not null,
    at          timestamptz not null default now(),
    constraint risk_verdicts_subject check
        ((payment_id is not null) = (rule in ('card_at_merchant', 'card'))
         and (address is not null) = (rule in ('address_tries', 'address_declines')))
);

create index risk_verdicts_by_age on risk_verdicts (at);
create index risk_verdicts_of_merchant on risk_verdicts (merchant_id, live, rule, at);
create index risk_verdicts_of_address on risk_verdicts (address, live, at) where address is not null;

create trigger risk_verdicts_immutable before update on risk_verdicts
    for each row execute function refuse_change();
create trigger risk_verdicts_kept before delete on risk_verdicts
    for each row when (old.at > now() - interval '90 days') execute function refuse_change();
create trigger risk_verdicts_not_emptied before truncate on risk_verdicts
    for each statement execute function refuse_change();

-- For how many seconds no card of this address, or of anyone at this merchant, is taken on public routes;
-- null or not positive: cards are taken. So the API needs no right to read verdicts.
create function public_cards_blocked_for(payer bytea, merchant uuid, is_live boolean, merchant_rule text,
                                         address_seconds double precision, merchant_seconds double precision)
returns double precision language sql stable security definer set search_path = public, pg_temp as $$
    select extract(epoch from greatest(
        (select max(at) from risk_verdicts where address = payer and live = is_live)
            + make_interval(secs => address_seconds),
        (select max(at) from risk_verdicts
         where merchant_id = merchant and live = is_live and rule = merchant_rule)
            + make_interval(secs => merchant_seconds)) - now())::double precision
$$;

revoke execute on function public_cards_blocked_for from public;
grant execute on function public_cards_blocked_for to sluice_api;

alter table card_declines enable row level security;
alter table merchant_attempts enable row level security;
alter table risk_verdicts enable row level security;
create policy card_declines_of_all_merchants on card_declines to sluice_card, sluice_scheduler
    using (true) with check (true);
create policy merchant_attempts_of_all_merchants on merchant_attempts to sluice_card, sluice_scheduler
    using (true) with check (true);
create policy risk_verdicts_of_all_merchants on risk_verdicts to sluice_card, sluice_scheduler, sluice_operator
    using (true) with check (true);
create policy risk_verdicts_of_the_named_merchant on risk_verdicts for insert to sluice_api with check (
    ((merchant_id, live) = (
        select nullif(current_setting('sluice.merchant', true), '')::uuid,
               nullif(current_setting('sluice.live', true), '')::boolean)) is true);

grant select, insert, update (declines) on card_declines to sluice_card;
grant select, insert, update (tries, declines) on merchant_attempts to sluice_card;
grant select, insert, update (tries, declines) on address_attempts to sluice_api;
grant select, insert (rule, merchant_id, live, payment_id, tries, declines) on risk_verdicts to sluice_card;
grant insert (rule, merchant_id, live, address, tries, declines) on risk_verdicts to sluice_api;
grant select (fingerprint, live, hour, merchant_id), delete on card_declines to sluice_scheduler;
grant select (merchant_id, live, minute), delete on merchant_attempts to sluice_scheduler;
grant select (address, live, minute), delete on address_attempts to sluice_scheduler;
grant select (id, at), delete on risk_verdicts to sluice_scheduler;
grant select on risk_verdicts to sluice_operator;
