//! The sums of each account and day, against the entries of the day.

use std::collections::BTreeMap;

use domain::id::MerchantId;
use domain::merchant::Mode;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime, Time};
use uuid::Uuid;

use super::findings::{Difference, Findings};
use super::rule::Rule;
use super::scan::is_timeout;
use super::statements::Report;
use crate::ledger::{CLOCK_SKEW, id_at};
use crate::{Error, Result};

/// How many postings are summed in one statement.
const POSTINGS: i64 = 10_000;

/// An account of a merchant or the gateway, in a mode and currency.
type Account = (String, Uuid, bool, String);
/// Debits, credits, and the number of entries.
type Sums = (Decimal, Decimal, i64);

struct Row {
    account: String,
    merchant_id: Uuid,
    live: bool,
    currency: String,
    debits: Decimal,
    credits: Decimal,
    entries: i64,
}

/// Compares each day since the first posting. The days that may change meanwhile are compared in one
/// statement, if that takes no longer than a statement may; else when they are over.
pub(super) async fn compare(db: &mut PgConnection, found: &mut Findings) -> Result<()> {
    let first = "select at from ledger_postings order by id limit 1";
    let first: Option<OffsetDateTime> = sqlx::query_scalar(first).fetch_optional(&mut *db).await?;
    let now: OffsetDateTime = sqlx::query_scalar("select now()")
        .fetch_one(&mut *db)
        .await?;
    let (mut next, today) = (first.map(utc), utc(now));
    while let Some(day) = next.filter(|day| *day <= today) {
        next = day.next_day();
        let is_over = next.is_some_and(|next| next < today);
        let (entries, stored) = if is_over {
            (entries(db, day).await?, stored(db, day).await?)
        } else {
            match at_once(db, day).await {
                Err(Error::Database(error)) if is_timeout(&error) => continue,
                both => both?,
            }
        };
        found.extend(differences(day, entries, stored));
    }
    Ok(())
}

fn utc(at: OffsetDateTime) -> Date {
    at.to_offset(time::UtcOffset::UTC).date()
}

/// The ids between which the postings of a day lie.
fn ids(day: Date) -> (Uuid, Uuid) {
    let start = OffsetDateTime::new_utc(day, Time::MIDNIGHT);
    let end = start + time::Duration::DAY;
    (id_at(start - CLOCK_SKEW), id_at(end + CLOCK_SKEW))
}

/// The sums of the entries of a day that is over, range by range.
async fn entries(db: &mut PgConnection, day: Date) -> Result<BTreeMap<Account, Sums>> {
    let mut sums = BTreeMap::<Account, Sums>::new();
    let (mut after, last) = ids(day);
    while after < last {
        let end = Report::Postings.end(&mut *db, after, POSTINGS).await?;
        let upto = end.last.filter(|_| end.count == POSTINGS);
        let upto = upto.map_or(last, |upto| upto.min(last));
        for (account, part) in read(entries_of(&mut *db, day, after, upto).await?) {
            let (debits, credits, entries) = sums.entry(account).or_default();
            *debits += part.0;
            *credits += part.1;
            *entries += part.2;
        }
        after = upto;
    }
    Ok(sums)
}

/// The sums of a day's entries, and those that are stored.
async fn at_once(
    db: &mut PgConnection,
    day: Date,
) -> Result<(BTreeMap<Account, Sums>, BTreeMap<Account, Sums>)> {
    let (after, upto) = ids(day);
    let rows = sqlx::query!(
        r#"select false as "is_stored!", e.account as "account!",
                  ledger_account_owner(e.account, e.merchant_id) as "merchant_id!", e.live as "live!",
                  l.currency as "currency!", coalesce(sum(e.amount) filter (where e.amount > 0), 0) as "debits!",
                  coalesce(-sum(e.amount) filter (where e.amount < 0), 0) as "credits!",
                  count(*) as "entries!"
           from ledger_postings l join ledger_entries e on e.posting_id = l.id
           where l.id > $1 and l.id <= $2 and (l.at at time zone 'UTC')::date = $3
           group by 1, 2, 3, 4, 5
           union all
           select true, account, merchant_id, live, currency, sum(debits), sum(credits), sum(entries)::bigint
           from account_days where day = $3 group by 1, 2, 3, 4, 5"#,
        after,
        upto,
        day
    );
    let (mut entries, mut stored) = (BTreeMap::new(), BTreeMap::new());
    for row in rows.fetch_all(db).await? {
        let sums = if row.is_stored {
            &mut stored
        } else {
            &mut entries
        };
        let account = (row.account, row.merchant_id, row.live, row.currency);
        sums.insert(account, (row.debits, row.credits, row.entries));
    }
    Ok((entries, stored))
}

fn differences(
    day: Date,
    mut entries: BTreeMap<Account, Sums>,
    stored: BTreeMap<Account, Sums>,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (account, stored) in stored {
        let expected = entries.remove(&account).unwrap_or_default();
        if stored != expected {
            differences.push(difference(day, &account, expected, Some(stored)));
        }
    }
    let missing = entries.iter();
    differences.extend(missing.map(|(account, sums)| difference(day, account, *sums, None)));
    differences
}

fn read(rows: Vec<Row>) -> impl Iterator<Item = (Account, Sums)> {
    rows.into_iter().map(|row| {
        let account = (row.account, row.merchant_id, row.live, row.currency);
        (account, (row.debits, row.credits, row.entries))
    })
}

/// The entries of a day in a range of postings, by account.
async fn entries_of(db: &mut PgConnection, day: Date, after: Uuid, upto: Uuid) -> Result<Vec<Row>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select e.account, ledger_account_owner(e.account, e.merchant_id) as "merchant_id!", e.live,
                  l.currency, coalesce(sum(e.amount) filter (where e.amount > 0), 0) as "debits!",
                  coalesce(-sum(e.amount) filter (where e.amount < 0), 0) as "credits!",
                  count(*) as "entries!"
           from ledger_postings l join ledger_entries e on e.posting_id = l.id
           where l.id > $1 and l.id <= $2 and (l.at at time zone 'UTC')::date = $3
           group by 1, 2, 3, 4"#,
        after,
        upto,
        day
    );
    Ok(rows.fetch_all(db).await?)
}

/// The sums of a day.
async fn stored(db: &mut PgConnection, day: Date) -> Result<BTreeMap<Account, Sums>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select account, merchant_id, live, currency, sum(debits) as "debits!", sum(credits) as "credits!",
                  sum(entries)::bigint as "entries!"
           from account_days where day = $1 group by 1, 2, 3, 4"#,
        day
    );
    Ok(read(rows.fetch_all(db).await?).collect())
}

fn difference(day: Date, account: &Account, expected: Sums, stored: Option<Sums>) -> Difference {
    let (name, merchant, live, currency) = account;
    let owner = if merchant.is_nil() {
        "the gateway".to_owned()
    } else {
        MerchantId(*merchant).to_string()
    };
    let mode = Mode::of(*live).name();
    let shown = |(debits, credits, entries): Sums| {
        format!("debits {debits}, credits {credits}, {entries} entries")
    };
    Difference {
        rule: Rule::AccountDay,
        subject: format!("{name} of {owner}, {mode} {currency}, {day}"),
        expected: shown(expected),
        found: stored.map_or_else(|| "no sums".to_owned(), shown),
    }
}
