//! Corruptions that no constraint stops: what a wrong program, a wrong restore or a person with the owner's
//! login could do. Each returns the id of what `sluice verify` must name, and has the rule that must find it.

mod events;
mod money;
mod payments;
mod work;

use store::reports::Rule;

/// All of them.
pub fn all() -> impl Iterator<Item = (Rule, &'static str)> {
    let deleted = [(Rule::KeySubject, DELETED)];
    let all = money::MONEY
        .into_iter()
        .chain(DAYS)
        .chain(payments::PAYMENTS);
    all.chain(events::EVENTS).chain(work::WORK).chain(deleted)
}

/// Balances that are not the sums of their entries.
const DAYS: [(Rule, &str); 3] = [
    (
        Rule::AccountDay,
        "update account_days set credits = credits + 1 where account = 'merchant_balance' returning merchant_id",
    ),
    (
        Rule::AccountDay,
        "delete from account_days where account = 'merchant_balance' returning merchant_id",
    ),
    (
        Rule::AccountDay,
        "insert into account_days (account, merchant_id, live, currency, day, debits, entries)
         select 'merchant_hold', pg_temp.pick('other merchant'), false, 'USD', (now() at time zone 'UTC')::date, 5, 1
         returning merchant_id",
    ),
];

/// A payment is deleted with everything that belongs to it: what is left is the key of its request.
const DELETED: &str = "
    with p as (delete from payments where id = pg_temp.pick('captured') returning id),
    h as (delete from payment_history using p where payment_id = p.id),
    a as (delete from authorizations using p where payment_id = p.id),
    l as (delete from ledger_postings l using p where cause_id = p.id returning l.id),
    n as (delete from ledger_entries using l where posting_id = l.id),
    e as (delete from events e using p where subject_id = p.id returning e.id),
    d as (delete from deliveries d using e where event_id = e.id returning d.id),
    j as (delete from jobs j using d where j.id = d.id),
    t as (delete from delivery_attempts using d where delivery_id = d.id)
    select id from p";
