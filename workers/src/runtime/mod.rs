//! Runs a worker: claim, run, record the outcome, reply, acknowledge. All workers share this; each
//! defines how to load its row (`store::jobs::Load`) and how to advance it ([`Handler`]).
//!
//! A message is acknowledged last: if the process dies earlier, the broker delivers it again.

pub mod shares;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use apalis::layers::WorkerBuilderExt;
use apalis_core::error::BoxDynError;
use apalis_core::monitor::Monitor;
use apalis_core::task::data::Data;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::ext::parallelize::ParallelizeExt;
use domain::id::{DeliveryId, PaymentId, RefundId};
use domain::job::{Outcome, Worker};
use domain::merchant::Mode;
use queue::{Consumer, JobMessage, Publisher, RecordOutcome};
use store::PgPool;
use store::batch::Batch;
use store::jobs::{self, CLAIMS_MAX, Claim, ClaimRequest, Failed, Lease, Load, Reschedule};
use store::session::Session;
use telemetry::metrics::table::{JOB_DURATION, JOBS};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use self::shares::{Share, Shares};
use crate::config::Shared;
use crate::health::{self, Broker};

/// The longest a handler may take; its provider calls end well before.
const HANDLER_TIMEOUT: Duration = Duration::from_mins(1);
/// How long jobs in progress may take after SIGTERM or SIGINT.
const SHUTDOWN: Duration = Duration::from_secs(30);

/// How much longer a lease is than the calls under it: for the claim and the writes.
pub const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// The lease of a claimed job.
#[derive(Debug, Clone)]
pub struct HeldLease {
    /// Every later write names it.
    pub lease: Lease,
    /// How long it lasts after the claim and after each write that extends it.
    pub lasts: Duration,
    /// When it ends at the latest.
    until: Instant,
    session: Session,
    session_id: Option<i64>,
}

impl HeldLease {
    /// Whether no other worker can claim the job for at least as long as a call takes. Check it
    /// immediately before each call to a provider: the process may have been paused since the claim.
    pub fn covers(&self, call: Duration) -> bool {
        self.session.id() == self.session_id && Instant::now() + call < self.until
    }

    /// Notes that a write at `time` or later extended the lease.
    pub fn extended_at(&mut self, time: Instant) {
        self.until = time + self.lasts;
    }
}

/// The outcome of a run that stops before a call because its lease may end meanwhile. If another worker
/// has claimed the job since, nothing changes; otherwise the job is due at once.
pub fn lease_lost(held: &HeldLease) -> Outcome {
    let HeldLease { lease, .. } = held;
    let subject = subject(*lease);
    tracing::warn!(worker = %lease.worker, job = %lease.id, subject, "paused for too long since the claim, will claim again");
    Outcome::Reschedule {
        after: Duration::ZERO,
    }
}

/// What a worker does with a claimed job.
pub trait Handler: Clone + Send + Sync + 'static {
    /// The worker whose jobs it handles.
    const WORKER: Worker;
    /// The row that a job acts on.
    type Owner: Load;

    /// How long a claim is valid: longer than the calls to providers under it together.
    fn lease(&self) -> Duration;

    /// The owner's mode, and whose shares of the slots its job uses.
    fn shares(&self, owner: &Self::Owner) -> (Mode, Vec<Share>);

    /// Does what the owner's state requires. An error means "retry with backoff".
    fn advance(
        &self,
        owner: Self::Owner,
        held: HeldLease,
    ) -> impl Future<Output = Result<Outcome, BoxDynError>> + Send;

    /// Undoes what the claim prepared, if its row cannot be read or no slot is free.
    fn abandon(&self, _lease: Lease) -> impl Future<Output = store::Result<()>> + Send {
        async { Ok(()) }
    }
}

/// A handler with the batch that claims its jobs.
struct Runner<H: Handler> {
    handler: H,
    claims: Batch<Claim<H::Owner>>,
    session: Session,
    shares: Shares,
}

impl<H: Handler> Clone for Runner<H> {
    fn clone(&self) -> Self {
        Self {
            handler: self.handler.clone(),
            claims: self.claims.clone(),
            session: self.session.clone(),
            shares: self.shares.clone(),
        }
    }
}

impl<H: Handler> Runner<H> {
    fn held(&self, request: ClaimRequest) -> HeldLease {
        HeldLease {
            lease: request.lease,
            lasts: request.lasts,
            until: Instant::now() + request.lasts,
            session: self.session.clone(),
            session_id: request.session,
        }
    }

    async fn run(&self, message: &JobMessage) -> Result<Outcome, BoxDynError> {
        let request = ClaimRequest {
            lease: Lease::new(message.job, message.claim),
            session: self.session.id(),
            lasts: self.handler.lease(),
        };
        let held = self.held(request);
        let Some(claimed) = self.claims.run(request).await? else {
            // Another worker has claimed the job, or the message is stale.
            return Ok(Outcome::Done);
        };
        if claimed.claims > CLAIMS_MAX {
            let reason = "claimed repeatedly without an outcome: it may crash its worker";
            return Ok(Outcome::Park {
                reason: reason.to_owned(),
            });
        }
        match claimed.owner {
            Ok(owner) => {
                let (mode, shares) = self.handler.shares(&owner);
                match self
                    .shares
                    .take(mode, &shares, message.reply_to.is_some())
                    .await
                {
                    Ok(_slots) => self.handler.advance(owner, held).await,
                    Err(after) => {
                        self.handler.abandon(request.lease).await?;
                        Ok(Outcome::Reschedule { after })
                    }
                }
            }
            Err(error) => {
                self.handler.abandon(request.lease).await?;
                Ok(Outcome::Park {
                    reason: error.to_string(),
                })
            }
        }
    }
}

/// Consumes and handles jobs until SIGTERM or SIGINT; jobs in progress are finished.
pub async fn run<H: Handler>(
    shared: &Shared,
    db: PgPool,
    publisher: Publisher,
    handler: H,
    slots: Shares,
) -> anyhow::Result<()> {
    let recorder = Recorder {
        db: db.clone(),
        reschedules: Batch::start(&db),
        publisher: publisher.clone(),
    };
    let runner = Runner {
        handler,
        claims: Batch::start(&db),
        session: Session::start(&db),
        shares: slots,
    };
    let consumer = Consumer::start(
        &shared.process.amqp_url,
        H::WORKER,
        shared.prefetch(),
        recorder,
    );
    let broker = Broker {
        publisher: publisher.health(),
        consumer: Some(consumer.health()),
    };
    health::serve(shared.process.health_listen, H::WORKER.name(), db, broker).await?;
    let concurrency = usize::from(shared.prefetch());
    let consuming = consumer.clone();
    // The first layer is the outermost. The timeout must drop the handler before its outcome is
    // recorded; otherwise it would still run while the job is retried.
    let monitor = Monitor::new()
        .register(move |_| {
            WorkerBuilder::new(H::WORKER.name())
                .backend(consumer.clone())
                .data(runner.clone())
                .concurrency(concurrency)
                .parallelize(tokio::spawn)
                .timeout(HANDLER_TIMEOUT)
                .catch_panic()
                .build(handle::<H>)
        })
        .shutdown_timeout(SHUTDOWN);
    let mut ending = ending()?;
    let requested = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&requested);
    monitor
        .run_with_signal(async move {
            let _ = ending.wait_for(|ending| *ending).await;
            flag.store(true, Ordering::Relaxed);
            Ok(())
        })
        .await?;
    consuming.drain().await;
    publisher.drain().await;
    if !requested.load(Ordering::Relaxed) {
        bail!("the {} worker ended by itself", H::WORKER);
    }
    Ok(())
}

async fn handle<H: Handler>(
    message: JobMessage,
    runner: Data<Runner<H>>,
) -> Result<Outcome, BoxDynError> {
    runner.run(&message).await
}

/// Turns true at SIGTERM or SIGINT.
pub fn ending() -> anyhow::Result<watch::Receiver<bool>> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let (sender, ending) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        sender.send_replace(true);
    });
    Ok(ending)
}

/// Records the outcome of each job, then replies to the process that waits for it.
#[derive(Clone)]
struct Recorder {
    db: PgPool,
    reschedules: Batch<Reschedule>,
    publisher: Publisher,
}

impl RecordOutcome for Recorder {
    /// Does not return while Postgres is unavailable. The message then stays unacknowledged, and the
    /// broker sends no more than the prefetch count: consumption pauses.
    async fn record_outcome(&self, message: &JobMessage, result: Result<Outcome, String>) {
        let worker = message.job.worker;
        let (mut wait, mut attempt) = (Duration::from_millis(100), 1_u32);
        while let Err(error) = self.record(message, &result).await {
            let job = message.job.id;
            if !error.is_unavailable() {
                tracing::error!(%worker, %job, attempt, %error, "cannot record the outcome, the job runs again when its lease ends");
                return;
            }
            tracing::warn!(%worker, %job, attempt, %error, retry_in = ?wait, "cannot record the outcome, will retry");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(5));
            attempt = attempt.saturating_add(1);
        }
        JOBS.increment([worker.name(), outcome_name(&result)]);
        JOB_DURATION.observe([worker.name()], message.received_at.elapsed());
        if let (Ok(_), Some(reply_to)) = (&result, &message.reply_to) {
            self.publisher.reply(reply_to, message.job.id);
        }
    }
}

impl Recorder {
    async fn record(
        &self,
        message: &JobMessage,
        result: &Result<Outcome, String>,
    ) -> store::Result<()> {
        let lease = Lease::new(message.job, message.claim);
        let (worker, job) = (lease.worker, lease.id);
        match result {
            Ok(Outcome::Done) => Ok(()),
            Ok(Outcome::Reschedule { after }) => {
                let after = *after;
                let next = self.reschedules.run(Reschedule { lease, after }).await?;
                if let Some(next) = next.filter(|_| after.is_zero()) {
                    self.publisher.publish_next(next, message.reply_to.clone());
                }
                Ok(())
            }
            Ok(Outcome::Park { reason }) => {
                let subject = subject(lease);
                tracing::error!(%worker, %job, subject, reason, "parked job, waits for `sluice jobs redrive`");
                jobs::park(&self.db, lease, reason).await
            }
            Err(error) => {
                let failed = jobs::record_failure(&self.db, lease, error).await?;
                log_failure(lease, error, failed);
                Ok(())
            }
        }
    }
}

fn log_failure(lease: Lease, error: &str, failed: Option<Failed>) {
    let (worker, job, subject) = (lease.worker, lease.id, subject(lease));
    match failed {
        Some(Failed {
            claims: attempt,
            retry_after: Some(after),
        }) => {
            tracing::warn!(%worker, %job, subject, attempt, error, retry_in = ?after, "job failed, will retry");
        }
        Some(Failed {
            claims: attempt,
            retry_after: None,
        }) => {
            tracing::error!(%worker, %job, subject, attempt, reason = error, "parked job, it failed too often and waits for `sluice jobs redrive`");
        }
        None => {
            tracing::warn!(%worker, %job, subject, error, "job failed, another worker has claimed it since");
        }
    }
}

/// The object of a job, as merchants and the other log lines name it.
fn subject(lease: Lease) -> String {
    match lease.worker {
        Worker::Card => PaymentId(lease.id).to_string(),
        Worker::Refund => RefundId(lease.id).to_string(),
        Worker::Webhook => DeliveryId(lease.id).to_string(),
    }
}

/// The outcome in the metrics.
const fn outcome_name(result: &Result<Outcome, String>) -> &'static str {
    match result {
        Ok(Outcome::Done) => "done",
        Ok(Outcome::Reschedule { .. }) => "rescheduled",
        Ok(Outcome::Park { .. }) => "parked",
        Err(_) => "failed",
    }
}
