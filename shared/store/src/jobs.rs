//! The job schedule: which worker acts on what, and when. RabbitMQ only dispatches jobs; a message that
//! is lost is published again from this table.

mod list;
mod reschedule;

pub use self::reschedule::Reschedule;
pub use list::{Filter, Listed, Load as WorkerLoad, Subject, list, loads, redrive};

use std::collections::HashMap;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use domain::job::{Job, Worker};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Result;
use crate::batch::Statement;

/// Claims in a row without success after which a job is parked.
pub const CLAIMS_MAX: i16 = 10;

/// How long after it was written the scheduler publishes a job. The process that wrote it publishes it
/// immediately.
pub const FIRST_PUBLISH_DELAY: Duration = Duration::from_secs(2);

/// The sequence number of a new job.
pub const FIRST_SEQ: i64 = 1;

/// A claim on a job. Every later write to the job names its lease, so that a worker whose lease has
/// expired changes nothing that its successor owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The job's worker.
    pub worker: Worker,
    /// The job's id.
    pub id: Uuid,
    /// The version of the job in the message; a stale one claims nothing.
    pub seq: i64,
    /// Identifies the claim; unique to it.
    pub token: Uuid,
}

impl Lease {
    /// The lease that a claim of this job takes. `token` must be unique to the claim.
    pub const fn new(job: Job, token: Uuid) -> Self {
        Self {
            worker: job.worker,
            id: job.id,
            seq: job.seq,
            token,
        }
    }
}

/// A request to claim a job.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRequest {
    /// The lease to take.
    pub lease: Lease,
    /// The [`Session`](crate::session::Session) of the process that claims; the claim ends with it.
    pub session: Option<i64>,
    /// How long the claim is valid at most. Longer than all calls to providers under it, or a second
    /// worker could call one at the same time.
    pub lasts: Duration,
}

/// A job that was claimed, with its owner.
#[derive(Debug)]
pub struct Claimed<T> {
    /// Claims in a row without success, this one included.
    pub claims: i16,
    /// The job's owner, or why its row cannot be read.
    pub owner: Result<T>,
}

/// The claims of one batch, as `claim_jobs` takes them.
#[derive(Debug, Default)]
pub struct Claims {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) seqs: Vec<i64>,
    pub(crate) leases: Vec<Uuid>,
    pub(crate) session: Option<i64>,
    pub(crate) lease_seconds: f64,
}

/// The row that a worker's claim reads. The statement calls `claim_jobs` and joins the owner's row, so
/// that a claim takes one round trip.
pub trait Load: Sized + Send + Sync + 'static {
    /// How many batches may run at once.
    const CONNECTIONS: u32 = 1;

    /// Claims and reads. An unreadable row does not fail the batch.
    fn load(
        db: &mut PgConnection,
        claims: &Claims,
    ) -> impl Future<Output = Result<Vec<(Uuid, Claimed<Self>)>>> + Send;
}

/// The claim of a worker whose jobs belong to `T`.
#[derive(Debug)]
pub struct Claim<T>(PhantomData<T>);

impl<T: Load> Statement for Claim<T> {
    type Row = ClaimRequest;
    /// `None`: another worker has claimed the job, or the message is stale.
    type Output = Option<Claimed<T>>;
    const CONNECTIONS: u32 = T::CONNECTIONS;

    async fn run(
        db: &mut PgConnection,
        rows: &[ClaimRequest],
    ) -> Result<Vec<Option<Self::Output>>> {
        let mut claims = Claims::default();
        for row in rows {
            claims.ids.push(row.lease.id);
            claims.seqs.push(row.lease.seq);
            claims.leases.push(row.lease.token);
            // All rows are claims of one process.
            claims.session = row.session;
            claims.lease_seconds = row.lasts.as_secs_f64();
        }
        let mut claimed: HashMap<_, _> = T::load(db, &claims).await?.into_iter().collect();
        let outputs = rows
            .iter()
            .map(|row| Some(claimed.remove(&row.lease.token)));
        Ok(outputs.collect())
    }
}

/// How many deleted or changed rows the schedule may hold before a [`Schedule`] skips them.
const DEAD_MAX: i64 = 50_000;
/// How often it reads from the start nevertheless.
const LOOK_BACK: Duration = Duration::from_mins(2);

/// The due jobs of a worker, as one scheduler takes them.
///
/// While some session keeps an old snapshot, for example that of a backup, Postgres cannot remove the entries
/// of finished jobs from the index, and each search for due jobs would read all of them. Once they are many,
/// the search starts where the last one found the first job. No job is due earlier: new ones are due at the
/// present or later. Whoever sets an earlier time by hand waits up to [`LOOK_BACK`].
#[derive(Debug)]
pub struct Schedule {
    worker: Worker,
    /// No job is due before this time, if it is known.
    since: Option<OffsetDateTime>,
    looked_back: Instant,
}

impl Schedule {
    /// Of one worker.
    pub fn of(worker: Worker) -> Self {
        Self {
            worker,
            since: None,
            looked_back: Instant::now(),
        }
    }

    /// Takes up to `most` due jobs to publish, the oldest and the newest in equal parts: during a backlog a new
    /// job does not wait for all older ones. Postpones each: two seconds, doubling up to a minute, so that a
    /// job whose message is still queued is not published every second. A claimed job can be taken when its
    /// lease or the claimer's session has ended. Several processes may run this at once: each skips the rows
    /// that another has locked.
    pub async fn take_due(&mut self, db: &PgPool, most: u32) -> Result<Vec<Job>> {
        self.skip_finished(db).await?;
        take_due(db, self.worker, most, self.since).await
    }

    async fn skip_finished(&mut self, db: &PgPool) -> Result<()> {
        if self.since.is_none() || self.looked_back.elapsed() > LOOK_BACK {
            (self.since, self.looked_back) = (None, Instant::now());
        }
        // A minute is longer than the transactions that write jobs.
        self.since = sqlx::query_scalar!(
            "select case when pg_stat_get_dead_tuples('jobs'::regclass) > $2 then
                 least(now() - interval '1 minute',
                       (select due_at from jobs
                        where worker = $1 and parked_at is null and due_at >= coalesce($3::timestamptz, '-infinity')
                        order by due_at limit 1)) end",
            self.worker.name(),
            DEAD_MAX,
            self.since,
        )
        .fetch_one(db)
        .await?;
        Ok(())
    }
}

async fn take_due(
    db: &PgPool,
    worker: Worker,
    most: u32,
    since: Option<OffsetDateTime>,
) -> Result<Vec<Job>> {
    let (oldest, newest) = (most - most / 2, most / 2);
    let rows = sqlx::query!(
        "with oldest as (
             select id from jobs
             where worker = $1 and parked_at is null and due_at <= now()
               and due_at >= coalesce($4::timestamptz, '-infinity')
               and (leased_until is null or leased_until <= now()
                    or pg_try_advisory_xact_lock_shared(leased_by))
             order by due_at limit $2 for update skip locked
         ), newest as (
             select id from jobs
             where worker = $1 and parked_at is null and due_at <= now()
               and due_at >= coalesce($4::timestamptz, '-infinity')
               and (leased_until is null or leased_until <= now()
                    or pg_try_advisory_xact_lock_shared(leased_by))
             order by due_at desc limit $3 for update skip locked
         )
         update jobs j
         set due_at = now() + make_interval(secs => least(60, power(2, least(publish_count, 6) + 1))),
             publish_count = least(publish_count + 1, 100)
         where j.id = any(array(select id from oldest union select id from newest))
         returning j.id, j.seq",
        worker.name(),
        i64::from(oldest),
        i64::from(newest),
        since,
    )
    .fetch_all(db)
    .await?;
    let job = |id, seq| Job { worker, id, seq };
    Ok(rows.into_iter().map(|row| job(row.id, row.seq)).collect())
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// Claims in a row without success.
    pub claims: i16,
    /// How long until the job is due again; `None` if it is parked.
    pub retry_after: Option<Duration>,
}

/// Records a failure: reschedules the job after a backoff of one second, doubling up to five minutes, or
/// parks it after [`CLAIMS_MAX`] claims. Returns `None` if another worker has the lease.
pub async fn record_failure(db: &PgPool, lease: Lease, error: &str) -> Result<Option<Failed>> {
    let row = sqlx::query!(
        r#"update jobs
           set seq = seq + 1, publish_count = 0, lease = null, leased_until = null, error = $3,
               due_at = now() + make_interval(secs => least(300, power(2, least(claims, 9)) / 2)),
               parked_at = case when claims >= $4 then now() end
           where id = $1 and lease = $2
           returning claims,
                     case when parked_at is null then extract(epoch from due_at - now())::float8 end
                         as retry_after"#,
        lease.id,
        lease.token,
        error,
        CLAIMS_MAX,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Failed {
        claims: row.claims,
        retry_after: row
            .retry_after
            .map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()),
    }))
}

/// Parks a job: `sluice jobs list` shows it, and nobody publishes it until it is redriven.
pub async fn park(db: &PgPool, lease: Lease, reason: &str) -> Result<()> {
    sqlx::query!(
        "update jobs
         set seq = seq + 1, lease = null, leased_until = null, parked_at = now(), error = $3
         where id = $1 and lease = $2",
        lease.id,
        lease.token,
        reason,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Completes a job that has nothing left to do. If the job was made due meanwhile, it stays and only
/// the lease ends: there is a new reason to act.
pub async fn complete(db: &PgPool, lease: Lease) -> Result<()> {
    sqlx::query!(
        "with completed as (
             delete from jobs where id = $1 and lease = $2 and seq = $3
             returning id
         )
         update jobs set lease = null, leased_until = null
         where id = $1 and lease = $2 and not exists (select from completed)",
        lease.id,
        lease.token,
        lease.seq,
    )
    .execute(db)
    .await?;
    Ok(())
}
