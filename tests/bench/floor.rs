//! What the stores alone take for a commit and for a hop, at the rate that the gateway is loaded
//! with: what no arrangement of ours can be faster than. And where the gateway's own time goes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use hdrhistogram::Histogram;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use sqlx::Row;
use tests::Gateway;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::baseline::Hop;
use crate::load;

/// Medians in milliseconds.
pub struct Floor {
    pub commit: f64,
    pub hop: f64,
}

impl Floor {
    /// One payment: accepted, attempt stored, captured, delivered; published twice, replied to once.
    pub fn payment(&self) -> f64 {
        3.0 * self.hop + 4.0 * self.commit
    }
}

/// Measures both, one after the other.
pub async fn measure(gateway: &Gateway, rate: u32, block: Duration) -> Result<Floor> {
    Ok(Floor {
        commit: commit(gateway, rate, block).await?,
        hop: hop(gateway, rate, block).await?,
    })
}

/// From the moment a one-row insert was meant to begin until it is on the disk.
async fn commit(gateway: &Gateway, rate: u32, block: Duration) -> Result<f64> {
    let db = gateway.database();
    sqlx::query("create table if not exists bench_commit (id bigserial)")
        .execute(db)
        .await?;
    let times = Times::default();
    let mut tasks = JoinSet::new();
    let mut schedule = load::schedule(rate, block);
    while let Some(meant) = schedule.recv().await {
        let (db, times) = (db.clone(), times.clone());
        tasks.spawn(async move {
            sqlx::query("insert into bench_commit default values")
                .execute(&db)
                .await?;
            times.record(meant);
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    sqlx::query("drop table bench_commit").execute(db).await?;
    times.median()
}

/// From the moment a message was meant to be published until it has been consumed.
async fn hop(gateway: &Gateway, rate: u32, block: Duration) -> Result<f64> {
    let (hop, mut consumer) = Hop::open(gateway).await?;
    let times = Times::default();
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let consuming = tokio::spawn({
        let times = times.clone();
        async move {
            // The queue keeps their order.
            while let Some(meant) = receiver.recv().await {
                let message: Delivery = consumer.next().await.context("no message")??;
                times.record(meant);
                message.ack(BasicAckOptions::default()).await?;
            }
            anyhow::Ok(())
        }
    });
    let (mut schedule, mut confirms) = (load::schedule(rate, block), FuturesUnordered::new());
    while let Some(meant) = schedule.recv().await {
        sender.send(meant)?;
        confirms.push(hop.publish(b"0123456789").await?);
        // What is confirmed meanwhile is taken off without waiting.
        while let Some(Some(confirm)) = confirms.next().now_or_never() {
            confirm?;
        }
    }
    drop(sender);
    consuming.await??;
    hop.close().await?;
    times.median()
}

#[derive(Clone)]
struct Times(Arc<Mutex<Histogram<u64>>>);

impl Default for Times {
    fn default() -> Self {
        let histogram = Histogram::new_with_max(60_000_000, 3)
            .unwrap_or_else(|_| unreachable!("three digits up to a minute"));
        Self(Arc::new(Mutex::new(histogram)))
    }
}

impl Times {
    fn record(&self, since: Instant) {
        let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        histogram.saturating_record(micros);
    }

    fn median(&self) -> Result<f64> {
        let histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        anyhow::ensure!(!histogram.is_empty(), "nothing was measured");
        Ok(histogram.value_at_quantile(0.5) as f64 / 1e3)
    }
}

/// Between the beginnings of the transactions that a payment goes through.
const STAGES: &str = "
    with gaps as (
        select extract(epoch from a.created_at - p.created_at) * 1000 as claimed,
               extract(epoch from h.at - a.created_at) * 1000 as captured
        from payments p
        join authorizations a on a.payment_id = p.id
        join payment_history h on h.payment_id = p.id and h.event = 'captured')
    select count(*) as payments,
           format('accepted -%s-> claimed -%s-> captured',
               round(percentile_cont(0.5) within group (order by claimed)::numeric, 1),
               round(percentile_cont(0.5) within group (order by captured)::numeric, 1)) as stages
    from gaps";

/// Where the time of the payments so far went, in medians.
pub async fn stages(gateway: &Gateway) -> Result<String> {
    let row = sqlx::query(STAGES).fetch_one(gateway.database()).await?;
    let (payments, stages): (i64, String) = (row.try_get("payments")?, row.try_get("stages")?);
    Ok(format!("{stages} (ms, medians of {payments})"))
}
