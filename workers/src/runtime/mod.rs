//! Running a worker: apalis drives it, the outcome of every job is written to the calendar, and
//! only then is its message acknowledged.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::bail;
use apalis::layers::WorkerBuilderExt;
use apalis_core::error::BoxDynError;
use apalis_core::monitor::Monitor;
use apalis_core::task::data::Data;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::ext::parallelize::ParallelizeExt;
use domain::job::{Outcome, Worker};
use queue::{Consumer, JobMessage, Publisher, RecordOutcome};
use store::{PgPool, jobs};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::Shared;
use crate::health;

/// The longest a handler may take; its provider calls end well before.
const HANDLER_TIMEOUT: Duration = Duration::from_mins(1);
/// How long jobs in hand may take after a signal to end.
const SHUTDOWN: Duration = Duration::from_secs(30);

/// What a worker does with a job.
pub trait Handle: Clone + Send + Sync + 'static {
    /// Whose jobs.
    const WORKER: Worker;

    /// Does what the row's state asks. An error means "again later".
    fn handle(
        &self,
        delivery: JobMessage,
    ) -> impl Future<Output = Result<Outcome, BoxDynError>> + Send;
}

/// Listens and works until SIGTERM or SIGINT; jobs in hand are finished.
pub async fn run<H: Handle>(
    shared: &Shared,
    db: PgPool,
    publisher: Publisher,
    handler: H,
) -> anyhow::Result<()> {
    let recorder = OutcomeRecorder {
        db: db.clone(),
        publisher: publisher.clone(),
    };
    let consumer = Consumer::start(
        &shared.process.amqp_url,
        H::WORKER,
        shared.concurrency,
        recorder,
    );
    health::serve(shared.process.health_listen, db, consumer.health()).await?;
    let concurrency = usize::from(shared.concurrency);
    let consuming = consumer.clone();
    // The first layer is the outermost: a handler that runs into its time limit must be ended,
    // not left running while its job is settled.
    let monitor = Monitor::new()
        .register(move |_| {
            WorkerBuilder::new(H::WORKER.name())
                .backend(consumer.clone())
                .data(handler.clone())
                .concurrency(concurrency)
                .parallelize(tokio::spawn)
                .timeout(HANDLER_TIMEOUT)
                .catch_panic()
                .build(handle::<H>)
        })
        .shutdown_timeout(SHUTDOWN);
    let mut ending = ending()?;
    let asked = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&asked);
    monitor
        .run_with_signal(async move {
            let _ = ending.wait_for(|ending| *ending).await;
            flag.store(true, Ordering::Relaxed);
            Ok(())
        })
        .await?;
    consuming.drain().await;
    publisher.drain().await;
    if !asked.load(Ordering::Relaxed) {
        bail!("the {} worker ended by itself", H::WORKER);
    }
    Ok(())
}

async fn handle<H: Handle>(delivery: JobMessage, handler: Data<H>) -> Result<Outcome, BoxDynError> {
    handler.handle(delivery).await
}

/// Turns true at SIGTERM or SIGINT.
pub fn ending() -> anyhow::Result<watch::Receiver<bool>> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let (event_of, ending) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        event_of.send_replace(true);
    });
    Ok(ending)
}

/// Writes what came of a job.
#[derive(Clone)]
struct OutcomeRecorder {
    db: PgPool,
    publisher: Publisher,
}

impl RecordOutcome for OutcomeRecorder {
    /// While Postgres cannot be reached this does not return, the message stays unacknowledged,
    /// and the broker sends no more than the prefetch: consumption pauses.
    async fn record_outcome(&self, delivery: &JobMessage, result: Result<Outcome, String>) {
        let mut wait = Duration::from_millis(100);
        while let Err(error) = self.write(delivery, &result).await {
            tracing::warn!(%error, job = %delivery.job.id, "the outcome of a job is not written yet");
            if !error.is_unavailable() {
                return;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
    }
}

impl OutcomeRecorder {
    async fn write(
        &self,
        delivery: &JobMessage,
        result: &Result<Outcome, String>,
    ) -> store::Result<()> {
        let job = delivery.job;
        match result {
            Ok(Outcome::Done) => Ok(()),
            Ok(Outcome::Again { after }) => {
                let again = jobs::reschedule(&self.db, job, *after).await?;
                if let Some(again) = again.filter(|_| after.is_zero()) {
                    self.publisher.publish(again, delivery.reply_to.clone());
                }
                Ok(())
            }
            Ok(Outcome::GiveUp { why }) => {
                tracing::error!(worker = %job.worker, job = %job.id, why, "parked");
                jobs::park(&self.db, job, why).await
            }
            Err(error) => {
                tracing::warn!(worker = %job.worker, job = %job.id, error, "failed, again later");
                jobs::record_failure(&self.db, job, error).await
            }
        }
    }
}
