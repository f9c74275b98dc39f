//! The scheduler: publishes due jobs every second and deletes expired rows every minute. Any number of
//! schedulers may run; they share the work.

use std::time::Duration;

use domain::job::Worker;
use queue::Publisher;
use store::{PgPool, Role};
use store::{clients, idempotency, jobs, rate_limits, risk, vault};
use tokio::time::{MissedTickBehavior, interval};

use crate::config::Process;
use crate::{health, runtime};

/// How often due jobs are published.
const POLL: Duration = Duration::from_secs(1);
/// How often while there are more than the queues may hold.
const POLL_BACKLOG: Duration = Duration::from_millis(100);
/// Overdue jobs are published while fewer messages than this wait in their queue. A worker takes them in
/// well under a second, so a new job does not wait long behind them; and while no worker runs, jobs whose
/// messages wait are not published again and again.
const QUEUED_MAX: u32 = 128;
/// How often expired rows are deleted.
const CLEANUP: Duration = Duration::from_mins(1);

pub async fn run(process: &Process) -> anyhow::Result<()> {
    let db = store::connect(Role::Scheduler, &process.database_url, 2)?;
    let publisher = Publisher::start(&process.amqp_url, "sluice scheduler");
    health::serve(process.health_listen, db.clone(), publisher.health()).await?;
    let mut ending = runtime::ending()?;
    let mut poll = interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut cleanup = interval(CLEANUP);
    cleanup.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ending.wait_for(|ending| *ending) => break,
            _ = poll.tick() => {
                if publish_due(&db, &publisher).await {
                    poll.reset_after(POLL_BACKLOG);
                }
            }
            _ = cleanup.tick() => clean_up(&db).await,
        }
    }
    publisher.drain().await;
    Ok(())
}

/// Publishes due jobs of every worker. Returns whether some worker has more of them.
async fn publish_due(db: &PgPool, publisher: &Publisher) -> bool {
    let mut has_more = false;
    for worker in Worker::ALL {
        has_more |= publish_due_of(db, publisher, worker).await;
    }
    has_more
}

/// Takes only jobs that the queue has room for, and none while the broker is unreachable: taking a job
/// delays it.
async fn publish_due_of(db: &PgPool, publisher: &Publisher, worker: Worker) -> bool {
    let Some(queued) = publisher.queue_length(worker).await else {
        return false;
    };
    let room = QUEUED_MAX.saturating_sub(queued);
    if room == 0 {
        return true;
    }
    let jobs = match jobs::take_due(db, worker, room).await {
        Ok(jobs) => jobs,
        Err(error) => {
            tracing::warn!(%worker, %error, "cannot read due jobs");
            return false;
        }
    };
    let due = jobs.len();
    if due > 0 {
        let count = publisher.publish_all(jobs).await;
        tracing::info!(%worker, due, published = count, queued, "published overdue jobs");
    }
    u32::try_from(due).is_ok_and(|due| due == room)
}

async fn clean_up(db: &PgPool) {
    if let Err(error) = delete_expired(db).await {
        tracing::warn!(%error, "cannot delete expired rows");
    }
}

async fn delete_expired(db: &PgPool) -> store::Result<()> {
    rate_limits::delete_past(db).await?;
    risk::delete_past(db).await?;
    clients::delete_expired(db).await?;
    while idempotency::delete_expired(db).await? == idempotency::DELETED_MAX {}
    while vault::destroy_expired(db).await? == vault::DESTROYED_MAX {}
    Ok(())
}
