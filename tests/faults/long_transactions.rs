//! Sessions that keep a lock or a snapshot: an operator's in `psql`, a backup.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use domain::id::PaymentId;
use domain::job::Worker;
use sqlx::AssertSqlSafe;
use store::jobs::Schedule;
use store::{PgPool, Role};
use tests::{Gateway, cards, until};
use uuid::Uuid;

use crate::endurance::scale;
use crate::load::{self, Failure};
use crate::scene::SOON;

/// Statements end at their lock timeout of three seconds, every request gets an answer within twelve, and clients who
/// repeat them pay once.
#[tokio::test]
async fn a_locked_table_delays_payments_and_loses_none() -> Result<()> {
    let gateway = Gateway::start().await?;
    let paid = load::during(
        &gateway,
        Duration::from_millis(200),
        20 * scale().min(6),
        async {
            let mut lock = gateway.database().begin().await?;
            sqlx::query("lock table payments")
                .execute(&mut *lock)
                .await?;
            let started = Instant::now();
            let unknown = PaymentId(Uuid::now_v7());
            // At full length for half a minute.
            for _ in 0..(2 * scale()).min(10) {
                let read = gateway.get(&format!("/v1/payments/{unknown}")).await?;
                ensure!(read.status == 503, "{}: {}", read.status, read.text);
            }
            ensure!(started.elapsed() > Duration::from_secs(5), "nothing waited");
            Ok(lock.rollback().await?)
        },
    )
    .await?;
    let failures = paid.iter().flat_map(|one| &one.failures);
    for failure in failures.clone() {
        let is_unavailable = matches!(failure, Failure::Status(answer) if answer.status == 503);
        ensure!(is_unavailable, "{failure:?}");
    }
    let pending = paid
        .iter()
        .filter(|one| one.answer.at("/status") == "pending");
    eprintln!(
        "measured: a locked table: {} payments, {} pending, {} answers 503",
        paid.len(),
        pending.count(),
        failures.count()
    );
    load::check_payments(&gateway, &paid).await?;
    gateway.finish().await
}

/// How long a scheduler's searches for due jobs take: the ninth of ten, of a hundred.
async fn polls(db: &PgPool, schedule: &mut Schedule) -> Result<Duration> {
    let mut took = Vec::new();
    for _ in 0..100 {
        let started = Instant::now();
        schedule.take_due(db, 1).await?;
        took.push(started.elapsed());
    }
    took.sort_unstable();
    Ok(took.get(90).copied().unwrap_or_default())
}

async fn number(gateway: &Gateway, query: &'static str) -> Result<i64> {
    Ok(sqlx::query_scalar(query)
        .fetch_one(gateway.database())
        .await?)
}

const SIZE: &str = "select pg_total_relation_size('jobs')";
const DEAD: &str = "select pg_stat_get_dead_tuples('jobs'::regclass)";

/// A snapshot that is kept for hours: the rows of finished jobs stay, but searches do not read them all.
#[tokio::test]
async fn an_old_snapshot_does_not_slow_the_schedule() -> Result<()> {
    let gateway = Gateway::start().await?;
    let db = store::connect(Role::Scheduler, &gateway.role_url(Role::Scheduler)?, 1)?;
    // No job of the card worker is due: the polls leave the gateway's jobs alone.
    let mut schedule = Schedule::of(Worker::Card);
    let (before, small) = (
        polls(&db, &mut schedule).await?,
        number(&gateway, SIZE).await?,
    );

    let pin = "begin isolation level repeatable read";
    let mut reader = gateway.database().begin_with(pin).await?;
    sqlx::query("select from jobs")
        .execute(&mut *reader)
        .await?;
    // At full length as many as half an hour of 200 payments a second makes.
    let finished = 200_000 * scale().min(5);
    let insert = format!(
        "insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
         select 'card', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), false,
                now() - interval '2 minutes' - n * interval '1 ms'
         from generate_series(1, {finished}) n"
    );
    // In one transaction, so that no worker begins one of them.
    let finish = format!(
        "{insert}; delete from jobs where due_at < now(); select pg_stat_force_next_flush()"
    );
    let finish = sqlx::raw_sql(AssertSqlSafe(finish));
    finish.execute(gateway.database()).await?;
    until("the statistics count them", SOON, async || {
        Ok((number(&gateway, DEAD).await? >= i64::try_from(finished)?).then_some(()))
    })
    .await?;
    schedule.take_due(&db, 1).await?;
    let after = polls(&db, &mut schedule).await?;
    let paid = gateway.pay(cards::APPROVED).await?;
    ensure!(paid.status == 200, "{}", paid.text);
    let large = number(&gateway, SIZE).await?;
    reader.rollback().await?;
    sqlx::query("vacuum jobs")
        .execute(gateway.database())
        .await?;
    let freed = number(&gateway, DEAD).await?;
    eprintln!(
        "measured: polls took {before:?}, with {finished} finished jobs {after:?}; {small} bytes became {large}; \
         {freed} dead rows after a vacuum"
    );
    ensure!(
        after < before * 2 + Duration::from_millis(10),
        "{after:?} after {before:?}"
    );
    ensure!(freed < 1_000, "{freed} dead rows are left");
    gateway.finish().await
}
