//! What the scheduler measures for operators. Each statement reads a bounded number of rows by index.

use std::time::Duration;

use domain::job::Worker;
use domain::merchant::Mode;
use domain::{authorization, delivery, payment, refund};
use sqlx::PgPool;

use crate::reports::names;
use crate::{Error, Result};

/// A count of this many means at least as many.
pub const COUNTED_MAX: i64 = 100_000;

/// The ages of what is in progress are those of this many jobs of each worker, the ones that are due first.
const AGED_MAX: i64 = 10_000;

/// The jobs of one worker and mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jobs {
    /// The worker.
    pub worker: Worker,
    /// The mode.
    pub mode: Mode,
    /// How many.
    pub count: u64,
    /// How long the oldest has waited.
    pub oldest: Duration,
}

/// The jobs that wait for a worker: they are due, also if their message waits in the queue, and not claimed.
/// Workers and modes without any are left out.
///
/// `take_due` moves the due time of a job that it publishes, so the waits that it added count too.
pub async fn waiting(db: &PgPool) -> Result<Vec<Jobs>> {
    let rows = sqlx::query!(
        r#"select w.worker as "worker!", j.live, count(*) as "count!", max(j.waited) as "oldest!"
           from unnest($1::text[]) as w(worker)
           cross join lateral (
               select live, extract(epoch from now() - due_at)::float8
                   + case when publish_count <= 5 then power(2, publish_count + 1) - 2
                          else 62 + 60 * (publish_count - 5) end as waited
               from jobs
               where jobs.worker = w.worker and parked_at is null
                 and due_at <= now() + interval '1 minute' and (due_at <= now() or publish_count > 0)
                 and (leased_until is null or leased_until <= now())
               order by due_at limit $2) j
           group by w.worker, j.live"#,
        &Worker::ALL.map(|worker| worker.name().to_owned()),
        COUNTED_MAX,
    )
    .fetch_all(db)
    .await?;
    let jobs = |worker: String, live, count, oldest| jobs(&worker, live, count, oldest);
    rows.into_iter()
        .map(|row| jobs(row.worker, row.live, row.count, row.oldest))
        .collect()
}

/// How long until no job waits, if their number goes on falling as it did from `before` to `now` in this time.
/// `None`: it did not fall.
pub fn backlog(before: u64, now: u64, elapsed: Duration) -> Option<Duration> {
    if now == 0 {
        return Some(Duration::ZERO);
    }
    let done = before.saturating_sub(now);
    let micros = elapsed.as_micros().saturating_mul(now.into());
    let micros = micros.checked_div(done.into())?;
    u64::try_from(micros).ok().map(Duration::from_micros)
}

/// The parked jobs. Workers and modes without any are left out.
pub async fn parked(db: &PgPool) -> Result<Vec<Jobs>> {
    let rows = sqlx::query!(
        r#"select worker as "worker!", live as "live!", count(*) as "count!",
                  extract(epoch from now() - min(parked_at))::float8 as "oldest!"
           from (select worker, live, parked_at from jobs where parked_at is not null limit $1) j
           group by worker, live"#,
        COUNTED_MAX,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| jobs(&row.worker, row.live, row.count, row.oldest))
        .collect()
}

fn jobs(worker: &str, live: bool, count: i64, oldest: f64) -> Result<Jobs> {
    Ok(Jobs {
        worker: Worker::parse(worker).ok_or(Error::Unreadable { table: "jobs" })?,
        mode: Mode::of(live),
        count: count.try_into().unwrap_or_default(),
        oldest: seconds(oldest),
    })
}

/// A time by the database's clock, which another process may have read later than this one.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// How old the oldest objects in progress are; zero if there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InProgress {
    /// Payments, and attempts of those that have ended, bounded by [`payment::IN_PROGRESS_MAX`].
    pub payment: Duration,
    /// Refunds, bounded by [`refund::IN_PROGRESS_MAX`].
    pub refund: Duration,
    /// Deliveries since their event, bounded by [`delivery::IN_PROGRESS_MAX`].
    pub delivery: Duration,
}

/// Measures how old the oldest objects in progress are. Everything in progress has a job.
pub async fn in_progress(db: &PgPool) -> Result<InProgress> {
    let payments = names(
        &payment::State::ALL,
        |state| state.is_in_progress(),
        payment::State::name,
    );
    let refunds = names(
        &refund::State::ALL,
        |state| state.is_in_progress(),
        refund::State::name,
    );
    let attempts = names(
        &authorization::State::ALL,
        |state| state.is_in_progress(),
        authorization::State::name,
    );
    let row = sqlx::query!(
        r#"with first as (
               select w.worker, j.owner_id
               from unnest($1::text[]) as w(worker)
               cross join lateral (
                   (select owner_id from jobs where jobs.worker = w.worker and parked_at is null
                    order by due_at limit $2)
                   union all
                   (select owner_id from jobs where jobs.worker = w.worker and parked_at is not null
                    limit $2)) j
           )
           select (select extract(epoch from now() - min(
                              case when p.state = any($4) then p.created_at else a.since end))::float8
                   from first f
                   join payments p on p.id = f.owner_id
                   cross join lateral (
                       select min(updated_at) as since from authorizations
                       where payment_id = p.id and state = any($9)) a
                   where f.worker = $3) as payment,
                  (select extract(epoch from now() - min(r.created_at))::float8
                   from first f join refunds r on r.id = f.owner_id
                   where f.worker = $5 and r.state = any($6)) as refund,
                  (select extract(epoch from now() - min(coalesce(d.resent_at, e.created_at)))::float8
                   from first f join deliveries d on d.id = f.owner_id join events e on e.id = d.event_id
                   where f.worker = $7 and d.state = $8) as delivery"#,
        &Worker::ALL.map(|worker| worker.name().to_owned()),
        AGED_MAX,
        Worker::Card.name(),
        &payments,
        Worker::Refund.name(),
        &refunds,
        Worker::Webhook.name(),
        delivery::State::Delivering.name(),
        &attempts,
    )
    .fetch_one(db)
    .await?;
    Ok(InProgress {
        payment: seconds(row.payment.unwrap_or_default()),
        refund: seconds(row.refund.unwrap_or_default()),
        delivery: seconds(row.delivery.unwrap_or_default()),
    })
}

/// The result of a run of `sluice verify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// When it ended, Unix time in seconds.
    pub finished_at: u64,
    /// How many differences it found.
    pub differences: u64,
}

/// Stores the result of a run of `sluice verify` that ends now.
pub async fn store_verified(db: &PgPool, differences: u64) -> Result<()> {
    sqlx::query!(
        "insert into verify_result (finished_at, differences) values (now(), $1)
         on conflict (is_last) do update
         set finished_at = excluded.finished_at, differences = excluded.differences",
        i64::try_from(differences).unwrap_or(i64::MAX),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The result of the last run of `sluice verify`; `None` before the first one.
pub async fn last_verified(db: &PgPool) -> Result<Option<Verified>> {
    let row = sqlx::query!(
        r#"select extract(epoch from finished_at)::bigint as "finished_at!", differences
           from verify_result"#
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Verified {
        finished_at: row.finished_at.try_into().unwrap_or_default(),
        differences: row.differences.try_into().unwrap_or_default(),
    }))
}
