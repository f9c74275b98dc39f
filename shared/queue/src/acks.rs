//! Batches acknowledgements. Each ack is an entry in the log of a quorum queue, and so costs the
//! broker a disk flush unless several share one. Nobody waits for an ack, so a short delay is free.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use lapin::Acker;
use lapin::options::BasicAckOptions;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::Health;

/// How long an ack waits for others.
const DELAY: Duration = Duration::from_millis(50);

/// Messages whose outcome is recorded but which are not acknowledged yet. If the connection or the
/// process ends first, the broker redelivers them; the worker then finds nothing left to do.
#[derive(Debug, Clone)]
pub(crate) struct Acks(Arc<Pending>);

#[derive(Debug)]
struct Pending {
    ackers: Mutex<Vec<Arc<Acker>>>,
    /// Acks are flushed early above this number: the broker sends no more unacknowledged messages
    /// than the prefetch, so waiting longer would leave the worker idle.
    batch_max: usize,
    first: Notify,
    full: Notify,
    health: Health,
}

impl Acks {
    pub(crate) fn new(prefetch: u16, health: Health) -> Self {
        Self(Arc::new(Pending {
            ackers: Mutex::default(),
            batch_max: usize::from(prefetch / 4),
            first: Notify::new(),
            full: Notify::new(),
            health,
        }))
    }

    /// Schedules an ack.
    pub(crate) fn push(&self, acker: Arc<Acker>) {
        let mut ackers = self.0.ackers.lock().unwrap_or_else(PoisonError::into_inner);
        ackers.push(acker);
        if ackers.len() > self.0.batch_max {
            self.0.full.notify_one();
        }
        self.0.first.notify_one();
    }

    /// Returns when there are acks to send and they have waited long enough.
    pub(crate) async fn due(&self) {
        self.0.first.notified().await;
        tokio::select! {
            () = sleep(DELAY) => {}
            () = self.0.full.notified() => {}
        }
    }

    /// Sends all pending acks.
    pub(crate) async fn flush(&self) {
        let ackers = {
            let mut ackers = self.0.ackers.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *ackers)
        };
        let acked = ackers
            .iter()
            .map(|acker| acker.ack(BasicAckOptions::default()));
        for acked in join_all(acked).await {
            if !matches!(acked, Ok(true)) {
                self.0.health.count_unacked();
                tracing::debug!("an ack was not sent; the broker will redeliver the message");
            }
        }
    }
}
