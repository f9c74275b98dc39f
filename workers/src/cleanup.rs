//! Deletes expired rows, a few at a time, so that payments do not notice it.

use std::time::{Duration, Instant};

use store::PgPool;
use store::retention::{BATCH, RULES, Rule};
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How often expired rows are deleted.
const EVERY: Duration = Duration::from_mins(1);
/// How long of each minute. What is left then waits for the next one.
const BUDGET: Duration = Duration::from_secs(45);
/// After each statement nothing is deleted for this many times as long as it took: deleting never takes more
/// than a quarter of a core and of the disk.
const REST: u32 = 3;

/// Deletes expired rows until the process ends. `events` is how long events are kept.
pub async fn run(db: PgPool, events: Duration) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        clean_up(&db, events).await;
    }
}

/// Follows all rules in turn, so that none waits for another's backlog or fails with it.
async fn clean_up(db: &PgPool, events: Duration) {
    let end = Instant::now() + BUDGET;
    let mut unfinished: Vec<&Rule> = RULES.iter().collect();
    while !unfinished.is_empty() && Instant::now() < end {
        let mut more = Vec::new();
        for rule in unfinished {
            let started = Instant::now();
            match rule.delete(db, events).await {
                Ok(deleted) if deleted >= BATCH.unsigned_abs() => more.push(rule),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(table = rule.table, %error, "cannot delete expired rows");
                }
            }
            sleep(started.elapsed() * REST).await;
        }
        unfinished = more;
    }
}
