//! The calendar: jobs and when they are due.

use std::time::Duration;

use domain::job::{Job, Worker};
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Error, Result};

/// Claims in a row without success after which a job is parked.
pub const ATTEMPTS_MAX: i16 = 10;

/// The sequence of a job that was just written.
pub const FIRST_SEQ: i64 = 1;

/// Takes up to `most` due jobs to be rung, and pushes each on: two seconds, doubling up to a
/// minute. Safe to run in several processes at once.
///
/// # Errors
/// If the database cannot.
pub async fn take_due(db: &PgPool, most: i64) -> Result<Vec<Job>> {
    let rows = sqlx::query!(
        "update jobs o
         set due_at = now() + make_interval(secs => least(60, power(2, least(publish_count, 6) + 1))),
             publish_count = least(publish_count + 1, 100)
         from (select worker, id from jobs
               where parked_at is null and due_at <= now()
               order by due_at, id limit $1 for update skip locked) d
         where o.worker = d.worker and o.id = d.id
         returning o.worker, o.id, o.seq",
        most
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let worker: Worker = row
                .worker
                .parse()
                .map_err(|_| Error::Unreadable { table: "jobs" })?;
            Ok(Job {
                worker,
                id: row.id,
                seq: row.seq,
            })
        })
        .collect()
}

/// Looks again after this long; nothing failed, so the claims are forgotten. Returns the job as
/// it must be rung then, unless it is gone.
///
/// # Errors
/// If the database cannot.
pub async fn reschedule(db: &PgPool, job: Job, after: Duration) -> Result<Option<Job>> {
    let row = sqlx::query!(
        "update jobs
         set seq = seq + 1, publish_count = 0, attempts = 0, lease = null, leased_until = null,
             due_at = now() + make_interval(secs => $4), error = null
         where worker = $1 and id = $2 and seq = $3
         returning seq",
        job.worker.name(),
        job.id,
        job.seq,
        after.as_secs_f64(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Job {
        seq: row.seq,
        ..job
    }))
}

/// Counts a failure: looks again after a backoff of one second, doubling up to five minutes, or
/// parks the job after [`ATTEMPTS_MAX`] claims.
///
/// # Errors
/// If the database cannot.
pub async fn record_failure(db: &PgPool, job: Job, error: &str) -> Result<()> {
    sqlx::query!(
        "update jobs
         set seq = seq + 1, publish_count = 0, lease = null, leased_until = null, error = $4,
             due_at = now() + make_interval(secs => least(300, power(2, least(attempts, 9)) / 2)),
             parked_at = case when attempts >= $5 then now() end
         where worker = $1 and id = $2 and seq = $3",
        job.worker.name(),
        job.id,
        job.seq,
        error,
        ATTEMPTS_MAX,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Parks a job: it is shown by `sluice jobs list` and rung no more until it is redriven.
///
/// # Errors
/// If the database cannot.
pub async fn park(db: &PgPool, job: Job, why: &str) -> Result<()> {
    sqlx::query!(
        "update jobs
         set seq = seq + 1, lease = null, leased_until = null, parked_at = now(), error = $4
         where worker = $1 and id = $2 and seq = $3",
        job.worker.name(),
        job.id,
        job.seq,
        why,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A job as people look at it.
#[derive(Debug)]
pub struct Listed {
    /// Whose work.
    pub worker: String,
    /// On what.
    pub id: Uuid,
    /// When it is due.
    pub due_at: OffsetDateTime,
    /// When it was parked, if it was.
    pub parked_at: Option<OffsetDateTime>,
    /// Claims in a row without success.
    pub attempts: i16,
    /// What went wrong last.
    pub error: Option<String>,
}

/// The first `most` jobs: parked ones first, then by the time they are due.
///
/// # Errors
/// If the database cannot.
pub async fn list(db: &PgPool, most: i64) -> Result<Vec<Listed>> {
    let rows = sqlx::query_as!(
        Listed,
        "select worker, id, due_at, parked_at, attempts, error
         from jobs order by parked_at nulls last, due_at, id limit $1",
        most
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Puts parked jobs back on the calendar, one by its id or all; returns how many.
///
/// # Errors
/// If the database cannot.
pub async fn redrive(db: &PgPool, id: Option<Uuid>) -> Result<u64> {
    let done = sqlx::query!(
        "update jobs
         set parked_at = null, due_at = now(), attempts = 0, publish_count = 0, seq = seq + 1
         where parked_at is not null and ($1::uuid is null or id = $1)",
        id
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Takes a job off the calendar that has nothing left to do.
///
/// # Errors
/// If the database cannot.
pub async fn complete(db: &PgPool, job: Job) -> Result<()> {
    sqlx::query!(
        "delete from jobs where worker = $1 and id = $2 and seq = $3",
        job.worker.name(),
        job.id,
        job.seq
    )
    .execute(db)
    .await?;
    Ok(())
}
