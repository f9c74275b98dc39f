//! What a readiness probe may ask of a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// How a session with the broker is doing. Clones look at the same session.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Vitals>);

#[derive(Debug, Default)]
struct Vitals {
    connected: AtomicBool,
    dropped: AtomicU64,
    undecodable: AtomicU64,
    unacked: AtomicU64,
}

impl Health {
    /// Whether there is a session now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.connected.load(Relaxed)
    }

    /// How many rings and hints were given up for want of a session or of room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Relaxed)
    }

    /// How many messages were no job for this worker.
    #[must_use]
    pub fn undecodable(&self) -> u64 {
        self.0.undecodable.load(Relaxed)
    }

    /// How many settled deliveries could not be acked, and so come again.
    #[must_use]
    pub fn unacked(&self) -> u64 {
        self.0.unacked.load(Relaxed)
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

    pub(crate) fn count_unacked(&self) {
        self.0.unacked.fetch_add(1, Relaxed);
    }
}
