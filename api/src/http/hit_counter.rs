//! Counts the requests of each key in memory and adds them to the database's count in batches, so
//! that a key with a high limit needs no round trip for each request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::surface::Surface;
use store::PgPool;
use store::batch::Batch;
use store::rate_limits::{Counted, Hits};
use time::OffsetDateTime;
use tokio::time::sleep;
use uuid::Uuid;

/// How long a request may be counted only in this process.
const FLUSH_AFTER: Duration = Duration::from_millis(100);
/// A process holds back at most this share of a key's limit: one in a hundred.
const HELD_BACK_SHARE: u32 = 100;
/// Above this many keys, those of past minutes are removed.
const KEYS_MAX: usize = 10_000;

/// The counts of this process. Clones share them.
#[derive(Clone)]
pub struct HitCounter {
    database: Batch<Hits>,
    minutes: Arc<Mutex<HashMap<(Uuid, Surface), Minute>>>,
}

/// A key's minute.
#[derive(Debug, Clone, Copy, Default)]
struct Minute {
    /// When it ends, Unix seconds by the database's clock.
    reset: i64,
    /// The count in the database when it was last read.
    counted: u32,
    /// Requests on their way to the database.
    in_flight: u32,
    /// Requests that wait for the next flush.
    pending: u32,
}

impl HitCounter {
    pub fn start(db: &PgPool) -> Self {
        Self {
            database: Batch::start(db),
            minutes: Arc::default(),
        }
    }

    /// Counts a request of a key that may make `limit` requests in a minute. Each process holds back
    /// at most a hundredth of the limit, so by so much the processes together may exceed it.
    pub async fn count_below(
        &self,
        key_id: Uuid,
        surface: Surface,
        limit: u32,
    ) -> store::Result<Counted> {
        let key = (key_id, surface);
        match self.count_in_memory(key, limit) {
            Some(counted) => Ok(counted),
            None => self.flush(key, 1).await,
        }
    }

    fn count_in_memory(&self, key: (Uuid, Surface), limit: u32) -> Option<Counted> {
        let mut minutes = self.minutes();
        let minute = minutes.get_mut(&key)?;
        let held_back = minute.in_flight.saturating_add(minute.pending);
        let number = minute.counted.saturating_add(held_back).saturating_add(1);
        let is_over = minute.reset <= OffsetDateTime::now_utc().unix_timestamp();
        if is_over || number > limit || held_back >= limit / HELD_BACK_SHARE {
            return None;
        }
        if minute.pending == 0 {
            let counter = self.clone();
            tokio::spawn(async move {
                sleep(FLUSH_AFTER).await;
                // If it fails, these requests are not counted elsewhere.
                let _ = counter.add(key, 0).await;
            });
        }
        minute.pending = minute.pending.saturating_add(1);
        Some(Counted {
            number,
            reset: minute.reset,
        })
    }

    /// Adds what is pending and `more` requests to the database's count, in a task of its own: if the
    /// client hangs up, its requests must not stay in flight.
    async fn flush(&self, key: (Uuid, Surface), more: u32) -> store::Result<Counted> {
        let counter = self.clone();
        let adding = tokio::spawn(async move { counter.add(key, more).await });
        adding.await.map_err(|_| store::Error::Closed)?
    }

    async fn add(&self, key: (Uuid, Surface), more: u32) -> store::Result<Counted> {
        let count = self.minutes().get_mut(&key).map_or(more, |minute| {
            let count = std::mem::take(&mut minute.pending).saturating_add(more);
            minute.in_flight = minute.in_flight.saturating_add(count);
            count
        });
        let hits = Hits {
            key_id: key.0,
            surface: key.1,
            count,
        };
        let counted = self.database.run(hits).await;
        let mut minutes = self.minutes();
        if let Some(minute) = minutes.get_mut(&key) {
            minute.in_flight = minute.in_flight.saturating_sub(count);
        }
        let counted = counted?;
        if minutes.len() >= KEYS_MAX {
            minutes.retain(|_, minute| minute.reset >= counted.reset);
        }
        let minute = minutes.entry(key).or_default();
        if minute.reset < counted.reset {
            *minute = Minute::default();
            minute.reset = counted.reset;
        }
        // Concurrent flushes may return in another order than they ran.
        if minute.reset == counted.reset {
            minute.counted = minute.counted.max(counted.number);
        }
        Ok(counted)
    }

    fn minutes(&self) -> MutexGuard<'_, HashMap<(Uuid, Surface), Minute>> {
        self.minutes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Result, ensure};
    use store::Role;
    use tokio::time::timeout;

    use super::*;

    /// The client of a request hangs up while the database is unreachable.
    #[tokio::test]
    async fn an_abandoned_request_does_not_stay_in_flight() -> Result<()> {
        let db = store::connect(Role::Api, "postgres://nobody@127.0.0.1:1/nowhere", 1)?;
        let counter = HitCounter::start(&db);
        let key = (Uuid::nil(), Surface::Paygate);
        counter.minutes().insert(key, Minute::default());
        let request = counter.count_below(key.0, key.1, 1);
        let abandoned = timeout(Duration::ZERO, request).await;
        ensure!(abandoned.is_err(), "it did not wait");
        let in_flight = || {
            counter
                .minutes()
                .get(&key)
                .map_or(0, |minute| minute.in_flight)
        };
        // The task of the abandoned request starts here.
        tokio::task::yield_now().await;
        ensure!(in_flight() > 0, "nothing is in flight");
        // Flushes of one statement end in their order, so the abandoned one has ended after this one.
        let next = counter.flush(key, 0).await;
        ensure!(next.is_err(), "the database answered");
        ensure!(in_flight() == 0, "the request is still in flight");
        Ok(())
    }
}
