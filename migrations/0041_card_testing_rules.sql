-- Two more rules: many declines at a merchant, and more cards than an intent takes.
alter table risk_verdicts
    drop constraint risk_verdicts_rule_known,
    add constraint risk_verdicts_rule_listed check
        (rule in ('card_at_merchant', 'card', 'address_tries', 'address_declines', 'merchant',
                  'merchant_suspected', 'cards_per_intent')) not valid;

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
