//! A merchant's share of a queue: while many messages wait in it, a burst of one merchant's jobs adds only a
//! few, so that the jobs of others do not wait behind all of them. The scheduler publishes the rest as the
//! queue gets shorter.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::MerchantId;
use domain::job::Worker;
use lapin::Channel;
use tokio::time::{MissedTickBehavior, interval};

use crate::connection::{ConnectionError, with_timeout};
use crate::queues;

/// How often the lengths of the queues are read.
const PERIOD: Duration = Duration::from_millis(100);
/// A queue with more messages than this is long. A worker takes them in about 100 ms.
const LONG: u32 = 128;
/// How many jobs of one merchant join a long queue in a period.
const JOBS_MAX: u32 = 8;

/// The shares of every queue. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shares(Arc<Mutex<HashMap<Worker, Queue>>>);

#[derive(Debug, Default)]
struct Queue {
    is_long: bool,
    /// Jobs published in this period.
    published: HashMap<MerchantId, u32>,
}

impl Shares {
    /// Whether the merchant may publish a job to this queue now.
    pub(crate) fn take(&self, worker: Worker, merchant: MerchantId) -> bool {
        let mut queues = self.lock();
        let queue = queues.entry(worker).or_default();
        let published = queue.published.entry(merchant).or_default();
        *published = published.saturating_add(1);
        !queue.is_long || *published <= JOBS_MAX
    }

    /// Reads the length of each queue that is published to, until the connection fails.
    pub(crate) async fn watch(&self, channel: &Channel) -> ConnectionError {
        let mut periods = interval(PERIOD);
        periods.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            periods.tick().await;
            for worker in Worker::ALL
                .into_iter()
                .filter(|worker| self.is_used(*worker))
            {
                match with_timeout(queues::length(channel, worker)).await {
                    Ok(length) => self.begin_period(worker, length),
                    Err(error) => return error,
                }
            }
        }
    }

    fn is_used(&self, worker: Worker) -> bool {
        let queues = self.lock();
        let queue = queues.get(&worker);
        queue.is_some_and(|queue| queue.is_long || !queue.published.is_empty())
    }

    fn begin_period(&self, worker: Worker, length: u32) {
        let queue = Queue {
            is_long: length > LONG,
            published: HashMap::new(),
        };
        self.lock().insert(worker, queue);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Worker, Queue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_burst_joins_a_short_queue_and_leaves_room_in_a_long_one() {
        let shares = Shares::default();
        let [busy, other] = [1, 2].map(|id| MerchantId(Uuid::from_u128(id)));
        let burst = |merchant| {
            let taken = (0..1000).filter(|_| shares.take(Worker::Webhook, merchant));
            taken.count()
        };
        assert_eq!(burst(busy), 1000);
        shares.begin_period(Worker::Webhook, LONG + 1);
        assert_eq!(burst(busy), 8);
        assert_eq!(burst(other), 8);
        assert!(shares.take(Worker::Card, busy), "another queue is not long");
        shares.begin_period(Worker::Webhook, LONG + 1);
        assert_eq!(burst(busy), 8);
        shares.begin_period(Worker::Webhook, LONG);
        assert_eq!(burst(busy), 1000);
    }
}
