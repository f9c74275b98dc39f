//! Jobs: which worker must act next, and on which row.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

/// A worker. Each consumes one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Worker {
    /// Authorizes and captures card payments.
    Card,
    /// Refunds captured payments.
    Refund,
    /// Delivers webhooks.
    Webhook,
}

names!(Worker {
    Card = "card",
    Refund = "refund",
    Webhook = "webhook",
});

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A job: a worker's name and the id of a row, without a payload. The worker reads the row and does
/// what its state requires, so a lost, duplicated, late or reordered message is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Job {
    /// The worker that must act.
    pub worker: Worker,
    /// The row's id: a payment for the card worker, a refund for the refund worker, a delivery for
    /// the webhook worker.
    pub id: Uuid,
    /// The version of the row in `jobs`; a message with an older one is stale.
    pub seq: i64,
}

/// The result of a handler that did not fail. (After an error the job is retried with backoff.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The transaction that did the work also completed or rescheduled the job.
    Done,
    /// Nothing failed, but the job is not done: it is due again after this delay.
    Reschedule {
        /// The delay.
        after: Duration,
    },
    /// Only an operator can help: park the job, so that `sluice jobs list` shows it.
    Park {
        /// What the operator needs to know.
        reason: String,
    },
}
