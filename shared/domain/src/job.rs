//! Work: which worker must act next on which thing.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use uuid::Uuid;

/// A worker, and with it the one queue it listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Worker {
    /// Authorizes and captures card payments.
    Card,
    /// Gives captured money back.
    Refund,
    /// Delivers webhooks.
    Webhook,
}

impl Worker {
    /// Every worker that listens to a queue.
    pub const ALL: [Worker; 3] = [Worker::Card, Worker::Refund, Worker::Webhook];

    /// The worker's name in the outbox, in messages and in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Worker::Card => "card",
            Worker::Refund => "refund",
            Worker::Webhook => "webhook",
        }
    }
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that belongs to no worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no worker has this name")]
pub struct UnknownWorker;

impl FromStr for Worker {
    type Err = UnknownWorker;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Worker::ALL
            .into_iter()
            .find(|worker| worker.name() == name)
            .ok_or(UnknownWorker)
    }
}

/// A ring of the bell: a worker's name and an id, never a payload. The worker reads the row and
/// does what its state asks, so a lost, doubled, late or reordered job is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Job {
    /// Who must act.
    pub worker: Worker,
    /// On what: a payment for the card worker, a refund for the refund worker, a delivery for the
    /// webhook worker.
    pub id: Uuid,
    /// Which writing of the outbox row this ring belongs to; an older one is stale.
    pub seq: i64,
}

/// How a handler ended, short of an error (which means "again, by backoff").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The transaction that did the work also cleared or rewrote the job.
    Done,
    /// Nothing failed, but it is too early: look again after this long.
    Again {
        /// How long to wait.
        after: Duration,
    },
    /// Only a person can help: park the job where `sluice jobs` shows it.
    GiveUp {
        /// What a person needs to know.
        why: String,
    },
}
