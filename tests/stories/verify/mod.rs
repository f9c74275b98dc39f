//! `sluice verify`: it finds nothing in what the gateway wrote, and every corruption.

mod corruptions;
mod sandbox_log;
mod seed;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use domain::id;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::reports::{self, Findings, Rule};
use tests::{Gateway, Options};
use uuid::Uuid;

/// How many times everything is copied, so that there are a thousand payments.
const COPIES: usize = 45;

/// What the rules find.
async fn findings(db: &mut PgConnection) -> Result<Findings> {
    let mut found = Findings::new(1_000);
    reports::compare(db, &mut found).await?;
    Ok(found)
}

/// The rules that find a corruption, one of which must be `rule`, with the id that the corruption returns.
async fn finders(db: &mut PgConnection, rule: Rule, sql: &'static str) -> Result<BTreeSet<Rule>> {
    let mut savepoint = db.begin().await?;
    let ids: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(&mut *savepoint)
        .await?;
    let id = *ids.first().context("nothing was corrupted")?;
    if rule != Rule::AccountDay {
        sum_days(&mut savepoint).await?;
    }
    let found = findings(&mut savepoint).await?;
    savepoint.rollback().await?;
    let public = id::render("", id);
    let is_named = |subject: &str| subject.contains(&public) || subject.contains(&id.to_string());
    let mut named = found.iter().filter(|(broken, _)| *broken == rule);
    let is_found = named.any(|(_, broken)| broken.first.iter().any(|one| is_named(&one.subject)));
    ensure!(is_found, "{} does not name {id}: {found:#?}", rule.name());
    Ok(found.iter().map(|(rule, _)| rule).collect())
}

/// Stores the sums of the entries as they are, as if the gateway had written them.
async fn sum_days(db: &mut PgConnection) -> Result<()> {
    let sums = "delete from account_days;
        insert into account_days (account, merchant_id, live, currency, day, debits, credits, entries)
        select e.account, ledger_account_owner(e.account, e.merchant_id), e.live, l.currency,
               (l.at at time zone 'UTC')::date, coalesce(sum(e.amount) filter (where e.amount > 0), 0),
               coalesce(-sum(e.amount) filter (where e.amount < 0), 0), count(*)
        from ledger_postings l join ledger_entries e on e.posting_id = l.id group by 1, 2, 3, 4, 5";
    sqlx::raw_sql(sums).execute(db).await?;
    Ok(())
}

/// A thousand payments in all states, some in progress; the work has stopped.
async fn thousand(db: &mut PgConnection) -> Result<()> {
    let copies = include_str!("copies.sql").replace("{copies}", &COPIES.to_string());
    sqlx::raw_sql(AssertSqlSafe(copies))
        .execute(&mut *db)
        .await?;
    sum_days(db).await?;
    let query = "select state::text, count(*) from payments group by state order by state";
    let states: Vec<(String, i64)> = sqlx::query_as(query).fetch_all(&mut *db).await?;
    let count: i64 = states.iter().map(|(_, count)| count).sum();
    ensure!(
        states.len() == domain::payment::State::ALL.len(),
        "{states:?}"
    );
    ensure!(count >= 1_000, "{states:?}");
    Ok(())
}

#[tokio::test]
async fn every_corruption_is_found_and_no_rule_is_superfluous() -> Result<()> {
    let gateway = Gateway::with(Options {
        wait_ms: 1_000,
        ..Options::default()
    })
    .await?;
    seed::seed(&gateway).await?;
    let mut tx = gateway.database().begin().await?;
    sqlx::query("set local session_replication_role = replica")
        .execute(&mut *tx)
        .await?;
    thousand(&mut tx).await?;
    let found = findings(&mut tx).await?;
    ensure!(
        found.count() == 0,
        "found in what the gateway wrote: {found:#?}"
    );
    let (mut only_finders, mut missed) = (BTreeSet::new(), Vec::new());
    for (rule, sql) in corruptions::all() {
        match finders(&mut tx, rule, sql).await {
            Ok(rules) if rules.len() == 1 => only_finders.extend(rules),
            Ok(_) => {}
            Err(error) => missed.push(format!("{sql}\n{error:?}")),
        }
    }
    tx.rollback().await?;
    ensure!(missed.is_empty(), "{}", missed.join("\n\n"));
    // Without any one of these, a corruption would not be found.
    let superfluous = Rule::ALL.into_iter().filter(|rule| !rule.is_of_acquirer());
    let superfluous = superfluous.filter(|rule| !only_finders.contains(rule));
    let superfluous: Vec<&str> = superfluous.map(Rule::name).collect();
    ensure!(
        superfluous.is_empty(),
        "no corruption is found by these alone: {superfluous:?}"
    );
    seed::end(gateway).await
}
