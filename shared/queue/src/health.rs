//! State and counters of a connection, for readiness probes and metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// The state of a connection to RabbitMQ. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    connected: AtomicBool,
    dropped: AtomicU64,
    undecodable: AtomicU64,
}

impl Health {
    /// Whether there is a working connection.
    pub fn is_connected(&self) -> bool {
        self.0.connected.load(Relaxed)
    }

    /// Jobs and replies that were dropped: not connected, a full buffer or queue, or a merchant that has its share.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Relaxed)
    }

    /// Messages that were not a job for this worker.
    pub fn undecodable(&self) -> u64 {
        self.0.undecodable.load(Relaxed)
    }

    pub(crate) fn set_connected(&self, connected: bool) {
        self.0.connected.store(connected, Relaxed);
    }

    pub(crate) fn count_dropped(&self) {
        self.0.dropped.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_undecodable(&self) {
        self.0.undecodable.fetch_add(1, Relaxed);
    }
}
