//! The scheduler: publishes due jobs every second, and meanwhile deletes expired rows. Any number of
//! schedulers may run; they share the work.

mod measures;

use std::time::Duration;

use domain::job::Worker;
use queue::Publisher;
use store::jobs::Schedule;
use store::{PgPool, Role};
use telemetry::metrics::table::QUEUE_MESSAGES;
use tokio::time::{MissedTickBehavior, interval};

use crate::config::Scheduler;
use crate::health::{self, Broker};
use crate::{cleanup, runtime};

/// How often due jobs are published.
const POLL: Duration = Duration::from_secs(1);
/// How often while jobs are due: more than the queues may hold, or those that workers postpone until a slot is
/// free, which would otherwise return in bursts that find no slot either.
const POLL_BUSY: Duration = Duration::from_millis(100);
/// Overdue jobs are published while fewer messages than this wait in their queue. A worker takes them in
/// well under a second, so a new job does not wait long behind them; and while no worker runs, jobs whose
/// messages wait are not published again and again.
const QUEUED_MAX: u32 = 128;
/// Connections to Postgres: one publishes, one deletes, one measures, one answers for the process's health.
const CONNECTIONS: u32 = 4;

pub async fn run(config: &Scheduler) -> anyhow::Result<()> {
    let process = &config.process;
    let db = store::connect(Role::Scheduler, &process.database_url, CONNECTIONS)?;
    let publisher = Publisher::start(&process.amqp_url, "sluice scheduler");
    let broker = Broker {
        publisher: publisher.health(),
        consumer: None,
    };
    health::serve(process.health_listen, "scheduler", db.clone(), broker).await?;
    tokio::spawn(measures::run(db.clone()));
    let mut ending = runtime::ending()?;
    let mut poll = interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let cleanup = tokio::spawn(cleanup::run(db.clone(), config.event_retention()));
    let mut schedules = Worker::ALL.map(|worker| (worker, Schedule::of(worker)));
    loop {
        tokio::select! {
            _ = ending.wait_for(|ending| *ending) => break,
            _ = poll.tick() => {
                if publish_due(&db, &publisher, &mut schedules).await {
                    poll.reset_after(POLL_BUSY);
                }
            }
        }
    }
    cleanup.abort();
    publisher.drain().await;
    Ok(())
}

/// Publishes due jobs of every worker. Returns whether there were any.
async fn publish_due(
    db: &PgPool,
    publisher: &Publisher,
    schedules: &mut [(Worker, Schedule)],
) -> bool {
    let mut is_busy = false;
    for (worker, schedule) in schedules {
        is_busy |= publish_due_of(db, publisher, *worker, schedule).await;
    }
    is_busy
}

/// Takes only jobs that the queue has room for, and none while the broker is unreachable: taking a job
/// delays it.
async fn publish_due_of(
    db: &PgPool,
    publisher: &Publisher,
    worker: Worker,
    schedule: &mut Schedule,
) -> bool {
    let Some(queued) = publisher.queue_length(worker).await else {
        QUEUE_MESSAGES.remove([worker.name()]);
        return false;
    };
    QUEUE_MESSAGES.set_count([worker.name()], queued.into());
    let room = QUEUED_MAX.saturating_sub(queued);
    if room == 0 {
        return true;
    }
    let jobs = match schedule.take_due(db, room).await {
        Ok(jobs) => jobs,
        Err(error) => {
            tracing::warn!(%worker, %error, retry_in = ?POLL, "cannot read due jobs, will retry");
            return false;
        }
    };
    let due = jobs.len();
    if due > 0 {
        let count = publisher.publish_all(jobs).await;
        tracing::info!(%worker, due, published = count, queued, "published overdue jobs");
    }
    due > 0
}
