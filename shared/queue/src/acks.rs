//! Acknowledging together: each ack is an entry in the log of a quorum queue, and so a flush of the
//! broker's disk unless it shares one. Nobody waits for an ack, so those of a moment go together.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use lapin::Acker;
use lapin::options::BasicAckOptions;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::Health;

/// How long an ack waits for others.
const MOMENT: Duration = Duration::from_millis(50);

/// The settled deliveries that are not acknowledged yet. One that never is, because its session or
/// process ends first, comes again, and then finds nothing left to do.
#[derive(Debug, Clone)]
pub(crate) struct Acks(Arc<Waiting>);

#[derive(Debug)]
struct Waiting {
    ackers: Mutex<Vec<Arc<Acker>>>,
    /// How many are too many to wait: the broker sends no more than the prefetch.
    enough: usize,
    first: Notify,
    full: Notify,
    health: Health,
}

impl Acks {
    pub(crate) fn new(prefetch: u16, health: Health) -> Self {
        Self(Arc::new(Waiting {
            ackers: Mutex::default(),
            enough: usize::from(prefetch / 4),
            first: Notify::new(),
            full: Notify::new(),
            health,
        }))
    }

    /// To be acknowledged soon.
    pub(crate) fn push(&self, acker: Arc<Acker>) {
        let mut ackers = self.0.ackers.lock().unwrap_or_else(PoisonError::into_inner);
        ackers.push(acker);
        if ackers.len() > self.0.enough {
            self.0.full.notify_one();
        }
        self.0.first.notify_one();
    }

    /// Ends when there is something to acknowledge and it has waited long enough.
    pub(crate) async fn due(&self) {
        self.0.first.notified().await;
        tokio::select! {
            () = sleep(MOMENT) => {}
            () = self.0.full.notified() => {}
        }
    }

    /// Acknowledges what was pushed and is not acknowledged yet.
    pub(crate) async fn flush(&self) {
        let ackers = {
            let mut ackers = self.0.ackers.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *ackers)
        };
        let acked = ackers.iter().map(|one| one.ack(BasicAckOptions::default()));
        for acked in join_all(acked).await {
            if !matches!(acked, Ok(true)) {
                self.0.health.count_unacked();
                tracing::debug!("settled but not acked, so it comes again");
            }
        }
    }
}
