//! The job schedule as operators see it.

use domain::id::{DeliveryId, MerchantId, PaymentId, RefundId};
use domain::job::Worker;
use domain::merchant::Mode;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Error, Result};

/// What a job is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A payment, for the card worker.
    Payment(PaymentId),
    /// A refund, for the refund worker.
    Refund(RefundId),
    /// A delivery, for the webhook worker.
    Delivery(DeliveryId),
}

impl Subject {
    /// The subject of a worker's job.
    pub const fn of(worker: Worker, owner: Uuid) -> Self {
        match worker {
            Worker::Card => Subject::Payment(PaymentId(owner)),
            Worker::Refund => Subject::Refund(RefundId(owner)),
            Worker::Webhook => Subject::Delivery(DeliveryId(owner)),
        }
    }

    /// Parses `pay_…`, `ref_…` or `dlv_…`.
    pub fn parse(text: &str) -> Option<Self> {
        let payment = PaymentId::parse(text).map(Subject::Payment);
        let refund = || RefundId::parse(text).map(Subject::Refund);
        let delivery = || DeliveryId::parse(text).map(Subject::Delivery);
        payment.or_else(refund).or_else(delivery)
    }

    const fn owner(self) -> (Worker, Uuid) {
        match self {
            Subject::Payment(id) => (Worker::Card, id.0),
            Subject::Refund(id) => (Worker::Refund, id.0),
            Subject::Delivery(id) => (Worker::Webhook, id.0),
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Subject::Payment(id) => id.fmt(f),
            Subject::Refund(id) => id.fmt(f),
            Subject::Delivery(id) => id.fmt(f),
        }
    }
}

/// A job as an operator sees it.
#[derive(Debug)]
pub struct Listed {
    /// The job's worker.
    pub worker: Worker,
    /// The job's id.
    pub id: Uuid,
    /// What it is about.
    pub subject: Subject,
    /// The merchant.
    pub merchant_id: MerchantId,
    /// The merchant's name.
    pub merchant: String,
    /// The mode.
    pub mode: Mode,
    /// When it is due; while it runs, when its lease ends.
    pub due_at: OffsetDateTime,
    /// When it was parked, if it was.
    pub parked_at: Option<OffsetDateTime>,
    /// Claims in a row without success.
    pub claims: i16,
    /// The last error, or why it is parked.
    pub error: Option<String>,
}

/// Which jobs to list. `None` and `false` do not restrict.
#[derive(Debug, Default, Clone, Copy)]
pub struct Filter {
    /// Only this worker's.
    pub worker: Option<Worker>,
    /// Only this merchant's.
    pub merchant: Option<MerchantId>,
    /// Only those about this.
    pub subject: Option<Subject>,
    /// Only parked ones.
    pub is_parked: bool,
    /// Only those whose last run failed.
    pub has_error: bool,
}

/// The first `most` jobs: parked ones first, then by due time.
pub async fn list(db: &PgPool, filter: Filter, most: i64) -> Result<Vec<Listed>> {
    let (worker, owner) = filter.subject.map(Subject::owner).unzip();
    let rows = sqlx::query!(
        r#"select j.worker, j.id, j.owner_id, j.merchant_id, m.name, j.live,
                  greatest(j.due_at, j.leased_until) as "due_at!", j.parked_at, j.claims, j.error
           from jobs j join merchants m on m.id = j.merchant_id
           where ($1::text is null or j.worker = $1) and ($2::uuid is null or j.merchant_id = $2)
             and ($3::uuid is null or j.owner_id = $3) and (j.parked_at is not null or not $4)
             and (j.error is not null or not $5)
           order by j.parked_at nulls last, 7, j.id limit $6"#,
        worker.or(filter.worker).map(Worker::name),
        filter.merchant.map(|merchant| merchant.0),
        owner,
        filter.is_parked,
        filter.has_error,
        most
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let worker = Worker::parse(&row.worker).ok_or(Error::Unreadable { table: "jobs" })?;
            Ok(Listed {
                worker,
                id: row.id,
                subject: Subject::of(worker, row.owner_id),
                merchant_id: MerchantId(row.merchant_id),
                merchant: row.name,
                mode: Mode::of(row.live),
                due_at: row.due_at,
                parked_at: row.parked_at,
                claims: row.claims,
                error: row.error,
            })
        })
        .collect()
}

/// Makes parked jobs due now: those with this id or about this subject, or all. Returns how many.
pub async fn redrive(db: &PgPool, id: Option<Uuid>, subject: Option<Subject>) -> Result<u64> {
    let (worker, owner) = subject.map(Subject::owner).unzip();
    let done = sqlx::query!(
        "update jobs
         set parked_at = null, due_at = now(), claims = 0, publish_count = 0, seq = seq + 1
         where parked_at is not null and ($1::uuid is null or id = $1)
           and ($2::text is null or worker = $2) and ($3::uuid is null or owner_id = $3)",
        id,
        worker.map(Worker::name),
        owner,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// How many jobs a worker has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// The worker.
    pub worker: Worker,
    /// Jobs for later: retries, expiries, polls.
    pub waiting: i64,
    /// Jobs that a worker should run now.
    pub due: i64,
    /// Jobs that a worker is running.
    pub running: i64,
    /// Jobs that wait for an operator.
    pub parked: i64,
    /// How long the oldest due job has been due, in seconds; 0 if none is.
    pub oldest_due_seconds: i64,
}

/// The load of every worker. Reads the whole table.
pub async fn loads(db: &PgPool) -> Result<Vec<Load>> {
    let names = Worker::ALL.map(|worker| worker.name().to_owned());
    // The scheduler postpones a job each time it publishes it, by 2 seconds, doubling up to a minute
    // (`take_due`). The sum of these delays tells since when the job has been due, or, if the
    // scheduler was late, since when it is published.
    let rows = sqlx::query!(
        r#"with job as (
               select j.worker, j.parked_at is not null as is_parked,
                      coalesce(j.leased_until > now(), false) as is_leased,
                      j.publish_count > 0 or j.due_at <= now() as is_due,
                      j.due_at - make_interval(secs =>
                          case when j.publish_count <= 5 then power(2, j.publish_count + 1) - 2
                               else 62 + 60 * (j.publish_count - 5) end) as due_since
               from jobs j
           )
           select w.name as "worker!",
                  count(*) filter (where not j.is_parked and not j.is_leased and not j.is_due) as "waiting!",
                  count(*) filter (where not j.is_parked and not j.is_leased and j.is_due) as "due!",
                  count(*) filter (where not j.is_parked and j.is_leased) as "running!",
                  count(*) filter (where j.is_parked) as "parked!",
                  coalesce(extract(epoch from now() - min(j.due_since)
                      filter (where not j.is_parked and not j.is_leased and j.is_due)), 0)::bigint as "backlog!"
           from unnest($1::text[]) with ordinality w(name, ord) left join job j on j.worker = w.name
           group by w.name, w.ord order by w.ord"#,
        &names,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let worker = Worker::parse(&row.worker);
            Ok(Load {
                worker: worker.ok_or(Error::Unreadable { table: "jobs" })?,
                waiting: row.waiting,
                due: row.due,
                running: row.running,
                parked: row.parked,
                oldest_due_seconds: row.backlog.max(0),
            })
        })
        .collect()
}
