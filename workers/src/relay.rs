//! The relay: once a second it rings again for what the calendar says is due, and tidies up. Any
//! number of relays may run; they share the work.

use std::time::Duration;

use queue::Bell;
use store::PgPool;
use store::{clients, idempotency, limits, outbox};
use tokio::time::{MissedTickBehavior, interval};

use crate::config::Process;
use crate::{health, runtime};

/// How often it looks.
const LOOK: Duration = Duration::from_secs(1);
/// How many jobs it takes at once.
const JOBS_MAX: i64 = 500;
/// How often it tidies up.
const TIDY: Duration = Duration::from_mins(1);

pub async fn run(process: &Process) -> anyhow::Result<()> {
    let db = store::connect(&process.database_url, "sluice relay", 2)?;
    let bell = Bell::start(&process.amqp_url, "sluice relay");
    health::serve(process.health_listen, db.clone(), bell.health()).await?;
    let mut ending = runtime::ending()?;
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tidy = interval(TIDY);
    tidy.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ending.wait_for(|ending| *ending) => break,
            _ = look.tick() => sweep(&db, &bell).await,
            _ = tidy.tick() => tidy_up(&db).await,
        }
    }
    bell.drain().await;
    Ok(())
}

/// Rings for everything that is due. Without a broker nothing is taken: pushing the calendar on
/// would only delay.
async fn sweep(db: &PgPool, bell: &Bell) {
    while bell.is_connected() {
        let jobs = match outbox::sweep(db, JOBS_MAX).await {
            Ok(jobs) => jobs,
            Err(error) => {
                tracing::warn!(%error, "the calendar cannot be read");
                return;
            }
        };
        let due = jobs.len();
        if due == 0 {
            return;
        }
        let rung = bell.ring_all(jobs).await;
        tracing::info!(due, rung, "rang again");
        if i64::try_from(due).unwrap_or(JOBS_MAX) < JOBS_MAX {
            return;
        }
    }
}

async fn tidy_up(db: &PgPool) {
    if let Err(error) = try_tidy_up(db).await {
        tracing::warn!(%error, "tidying up failed");
    }
}

async fn try_tidy_up(db: &PgPool) -> store::Result<()> {
    limits::forget_past(db).await?;
    clients::forget_expired(db).await?;
    while idempotency::forget_stale(db).await? == idempotency::FORGOTTEN_MAX {}
    Ok(())
}
