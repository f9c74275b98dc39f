//! Migrations of a database in use: nobody waits long, and a run that was cut off continues.

use std::cell::RefCell;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use store::migrations::{self, MIGRATIONS, MigrateError};
use tests::{Gateway, until};
use tokio::time::{MissedTickBehavior, interval};

use crate::load;
use crate::scene::SOON;

/// How long a migration of these tests waits for its locks.
const PATIENCE: Duration = Duration::from_secs(20);

/// Migrations of a next version: what may be done to a table that grows.
const NEXT: [&str; 5] = [
    "alter table payments add column next_note text;
     alter table payments add constraint next_note_length check (length(next_note) < 100) not valid;",
    "alter table payments validate constraint next_note_length;",
    "-- no-transaction
     create index concurrently if not exists next_payments_by_age on payments (created_at)",
    "create function next_look() returns trigger language plpgsql as $$ begin return null; end $$;
     create trigger next_look after insert on payments for each row execute function next_look();",
    "-- no-transaction
     create index concurrently if not exists next_jobs_by_merchant on jobs (merchant_id)",
];

/// Starts a transaction that keeps its first snapshot. An index that is built concurrently waits for it.
const SNAPSHOT: &str = "begin isolation level repeatable read";

/// Our migrations, and `next` after them.
fn migrator(next: &[&'static str]) -> Migrator {
    let next = (9001..).zip(next).map(|(version, sql)| {
        let is_alone = sql.starts_with("-- no-transaction");
        let sql = AssertSqlSafe(*sql).into_sql_str();
        Migration::new(version, "next".into(), MigrationType::Simple, sql, is_alone)
    });
    Migrator::with_migrations(MIGRATIONS.iter().cloned().chain(next).collect())
}

/// Applies migrations on a connection of its own; returns what the command would print.
async fn migrate(
    database_url: String,
    next: &[&'static str],
    patience: Duration,
) -> Result<Vec<String>, MigrateError> {
    let db = sqlx::PgPool::connect(&database_url).await?;
    let mut lines = Vec::new();
    let applied = migrations::apply(&db, &migrator(next), patience, |line| lines.push(line)).await;
    db.close().await;
    applied.map(|()| lines)
}

/// Runs `meanwhile` while a session reads a table and stays idle in its transaction.
async fn with_reader<T>(
    gateway: &Gateway,
    table: &str,
    meanwhile: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut reader = gateway.database().begin_with(SNAPSHOT).await?;
    let read = AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query(read).execute(&mut *reader).await?;
    let result = meanwhile.await;
    reader.rollback().await?;
    result
}

/// The longest time that any process of the gateway waited for a lock, sampled until `end`.
async fn longest_lock_wait(
    gateway: &Gateway,
    end: impl Future<Output = Result<()>>,
) -> Result<Duration> {
    let query = "select coalesce(max(extract(epoch from clock_timestamp() - l.waitstart)), 0)::float8
                 from pg_locks l join pg_stat_activity a using (pid)
                 where not l.granted and a.application_name in
                       ('sluice api', 'sluice card', 'sluice refund', 'sluice webhook', 'sluice scheduler')";
    let mut end = std::pin::pin!(end);
    let mut ticks = interval(Duration::from_millis(20));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut longest = 0.0_f64;
    loop {
        tokio::select! {
            ended = &mut end => { ended?; break }
            _ = ticks.tick() => {
                let waited: f64 = sqlx::query_scalar(query).fetch_one(gateway.database()).await?;
                longest = longest.max(waited);
            }
        }
    }
    Ok(Duration::try_from_secs_f64(longest)?)
}

#[tokio::test]
async fn payments_do_not_wait_for_migrations() -> Result<()> {
    let gateway = Gateway::start().await?;
    let db = sqlx::PgPool::connect(&gateway.database_url()).await?;
    let (migrator, lines) = (migrator(&NEXT), RefCell::new(Vec::<String>::new()));
    let count = |what: &str| {
        let lines = lines.borrow();
        lines.iter().filter(|line| line.contains(what)).count()
    };
    // Whoever holds a lock for two seconds delays the migration and not the payments.
    let migrating = async {
        let report = |line| lines.borrow_mut().push(line);
        let migrated = migrations::apply(&db, &migrator, PATIENCE, report);
        let reader = with_reader(&gateway, "payments", async {
            until("the migration has waited three times", SOON, async || {
                Ok((count("waits for a lock") >= 3).then_some(()))
            })
            .await
        });
        let (migrated, read) = tokio::join!(migrated, reader);
        migrated?;
        read
    };
    let mut longest = Duration::ZERO;
    let sampling = Box::pin(async {
        longest = Box::pin(longest_lock_wait(&gateway, migrating)).await?;
        Ok(())
    });
    let paid = load::during(&gateway, Duration::from_millis(40), 50, sampling).await?;
    assert_eq!(count("applied"), NEXT.len(), "{lines:#?}");
    eprintln!(
        "{} payments; the longest wait for a lock: {longest:?}",
        paid.len()
    );
    ensure!(longest < Duration::from_secs(1), "{longest:?}");
    for one in &paid {
        ensure!(one.failures.is_empty(), "{one:?}");
    }
    load::check_payments(&gateway, &paid).await?;
    gateway.finish().await
}

/// Whether an index is there, and whether it is complete.
async fn index(gateway: &Gateway, name: &str) -> Result<Option<bool>> {
    let query = "select indisvalid from pg_index where indexrelid = to_regclass($1)";
    let query = sqlx::query_scalar(query).bind(name);
    Ok(query.fetch_optional(gateway.database()).await?)
}

const INDEX: [&str; 1] = ["-- no-transaction
    create index concurrently if not exists next_payments_by_age on payments (created_at)"];

#[tokio::test]
async fn a_run_that_was_cut_off_continues() -> Result<()> {
    let gateway = Gateway::start().await?;
    let name = "next_payments_by_age";
    // The connection of a run breaks while it builds an index, which waits for an older transaction.
    Box::pin(with_reader(&gateway, "merchants", async {
        let lost = migrate(gateway.database_url(), &INDEX, PATIENCE);
        let cut = async {
            until("the index is being built", SOON, async || {
                Ok((index(&gateway, name).await? == Some(false)).then_some(()))
            })
            .await?;
            let query = "select pg_terminate_backend(pid) from pg_stat_activity
                         where datname = current_database() and query like '%next_payments_by_age%'
                           and pid <> pg_backend_pid()";
            sqlx::query(query).execute(gateway.database()).await?;
            Ok::<_, anyhow::Error>(())
        };
        let (lost, cut) = tokio::join!(lost, cut);
        ensure!(lost.is_err(), "{lost:?}");
        cut
    }))
    .await?;
    assert_eq!(index(&gateway, name).await?, Some(false));
    migrate(gateway.database_url(), &INDEX, PATIENCE).await?;
    assert_eq!(index(&gateway, name).await?, Some(true));
    // A run ends after its index is built and before this is recorded.
    let forget = "delete from _sqlx_migrations where version = 9001";
    sqlx::query(forget).execute(gateway.database()).await?;
    let lines = migrate(gateway.database_url(), &INDEX, PATIENCE).await?;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(
        migrate(gateway.database_url(), &INDEX, PATIENCE).await?,
        Vec::<String>::new()
    );
    gateway.finish().await
}

/// A run that waits for another does not stop it from building an index.
#[tokio::test]
async fn one_run_migrates_at_a_time() -> Result<()> {
    let gateway = Gateway::start().await?;
    let url = gateway.database_url();
    let mut reader = gateway.database().begin_with(SNAPSHOT).await?;
    sqlx::query("select from merchants")
        .execute(&mut *reader)
        .await?;
    let first = migrate(url.clone(), &INDEX, PATIENCE);
    let others = async {
        until("the index is being built", SOON, async || {
            let index = index(&gateway, "next_payments_by_age").await?;
            Ok((index == Some(false)).then_some(()))
        })
        .await?;
        let impatient = migrate(url.clone(), &INDEX, Duration::ZERO).await;
        ensure!(
            matches!(impatient, Err(MigrateError::OtherRun)),
            "{impatient:?}"
        );
        let (db, lines) = (sqlx::PgPool::connect(&url).await?, RefCell::new(Vec::new()));
        let (index, report) = (migrator(&INDEX), |line| lines.borrow_mut().push(line));
        let second = migrations::apply(&db, &index, PATIENCE, report);
        let release = async {
            until("the other run waits", SOON, async || {
                Ok((!lines.borrow().is_empty()).then_some(()))
            })
            .await?;
            Ok::<_, anyhow::Error>(reader.rollback().await?)
        };
        let (second, released) = tokio::join!(second, release);
        second?;
        released.map(|()| lines.take())
    };
    let (first, second) = tokio::join!(first, others);
    assert_eq!(first?.len(), 1, "the first applied it");
    assert_eq!(second?, ["waiting for another `sluice migrate` to end"]);
    gateway.finish().await
}

/// A lock that is not released: the run gives up, changes nothing, and says whose transaction is old.
#[tokio::test]
async fn a_run_gives_up_on_a_lock() -> Result<()> {
    let gateway = Gateway::start().await?;
    let patience = Duration::from_secs(1);
    with_reader(&gateway, "payments", async {
        let error = migrate(gateway.database_url(), &NEXT, patience).await.err();
        let error = error.context("the lock was held")?.to_string();
        ensure!(error.contains("migration 9001 got no lock"), "{error}");
        ensure!(error.contains("idle in transaction"), "{error}");
        Ok(())
    })
    .await?;
    // It can be repeated, and leaves no lock behind.
    migrate(gateway.database_url(), &NEXT, PATIENCE).await?;
    gateway.finish().await
}
