//! The scheduler: publishes due jobs every second and deletes expired rows every minute. Any number of
//! schedulers may run; they share the work.

use std::time::Duration;

use queue::Publisher;
use store::{PgPool, Role};
use store::{clients, idempotency, jobs, rate_limits, vault};
use tokio::time::{MissedTickBehavior, interval};

use crate::config::Process;
use crate::{health, runtime};

/// How often due jobs are published.
const POLL: Duration = Duration::from_secs(1);
/// How many jobs one statement takes at most.
const JOBS_MAX: i64 = 500;
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
            _ = poll.tick() => publish_due(&db, &publisher).await,
            _ = cleanup.tick() => clean_up(&db).await,
        }
    }
    publisher.drain().await;
    Ok(())
}

/// Publishes all due jobs. Takes none while the broker is unreachable: taking a job delays it.
async fn publish_due(db: &PgPool, publisher: &Publisher) {
    while publisher.is_connected() {
        let jobs = match jobs::take_due(db, JOBS_MAX).await {
            Ok(jobs) => jobs,
            Err(error) => {
                tracing::warn!(%error, "cannot read due jobs");
                return;
            }
        };
        let due = jobs.len();
        if due == 0 {
            return;
        }
        let count = publisher.publish_all(jobs).await;
        tracing::info!(due, published = count, "published overdue jobs");
        if i64::try_from(due).unwrap_or(JOBS_MAX) < JOBS_MAX {
            return;
        }
    }
}

async fn clean_up(db: &PgPool) {
    if let Err(error) = delete_expired(db).await {
        tracing::warn!(%error, "cannot delete expired rows");
    }
}

async fn delete_expired(db: &PgPool) -> store::Result<()> {
    rate_limits::delete_past(db).await?;
    clients::delete_expired(db).await?;
    while idempotency::delete_expired(db).await? == idempotency::DELETED_MAX {}
    while vault::destroy_expired(db).await? == vault::DESTROYED_MAX {}
    Ok(())
}
