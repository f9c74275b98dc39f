-- More rules: many declines at a merchant or of cards that begin alike, more cards than an intent takes, and a list of
-- what operators block.
alter table risk_verdicts
    drop constraint risk_verdicts_rule_known,
    drop constraint risk_verdicts_subject,
    add constraint risk_verdicts_rule_listed check
        (rule in ('card_at_merchant', 'card', 'address_tries', 'address_declines', 'merchant',
                  'merchant_suspected', 'cards_per_intent', 'bin', 'blocklist')) not valid,
    -- A blocked network has no payment, since none is made.
    add constraint risk_verdicts_about check
        (((payment_id is not null) = (rule in ('card_at_merchant', 'card')) or rule = 'blocklist')
         and (address is not null) = (rule in ('address_tries', 'address_declines', 'bin'))) not valid;

comment on column address_attempts.address is 'HMAC of a client address, or of the first six digits of cards';

-- Whether a verdict of this rule about a merchant is not older than this. Like public_cards_blocked_for, so that
-- the API needs no right to read verdicts.
create function merchant_is_suspected(merchant uuid, is_live boolean, suspected_rule text, seconds double precision)
returns boolean language sql stable security definer set search_path = public, pg_temp as $$
    select exists (select from risk_verdicts
                   where merchant_id = merchant and live = is_live and rule = suspected_rule
                     and at > now() - make_interval(secs => seconds))
$$;

revoke execute on function merchant_is_suspected from public;
grant execute on function merchant_is_suspected to sluice_api;

create table blocklist (
    id         bigint generated always as identity primary key,
    kind       text not null constraint blocklist_kind_known check (kind in ('card', 'bin', 'email', 'network')),
    -- A fingerprint in hex, the first six or eight digits of cards, an e-mail address in lower case, or a network.
    value      text not null constraint blocklist_value_length check (length(value) between 1 and 254),
    reason     text constraint blocklist_reason_length check (length(reason) <= 500),
    created_at timestamptz not null default now(),
    removed_at timestamptz
);

create unique index blocklist_once on blocklist (kind, value) where removed_at is null;

create trigger blocklist_added_by_operator after insert on blocklist for each row
    when (current_user = 'sluice_operator') execute function record_operator_action('blocklist.added', 'id');
create trigger blocklist_removed_by_operator after update of removed_at on blocklist for each row
    when (current_user = 'sluice_operator') execute function record_operator_action('blocklist.removed', 'id');

grant select, insert (kind, value, reason), update (removed_at) on blocklist to sluice_operator;
grant select (kind, value, removed_at) on blocklist to sluice_card;

-- Whether a client address is in a blocked network.
create function address_is_listed(client inet) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select exists (select from blocklist
                   where kind = 'network' and removed_at is null and client <<= value::inet)
$$;

revoke execute on function address_is_listed from public;
grant execute on function address_is_listed to sluice_api;
