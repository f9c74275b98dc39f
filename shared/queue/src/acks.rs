//! Batches acknowledgements. Each `basic.ack` is an entry in the log of a quorum queue, which costs the
//! broker more than the message's delivery. Nobody waits for an ack, so a short delay is free.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use lapin::Acker;
use lapin::options::BasicAckOptions;
use tokio::sync::Notify;
use tokio::time::sleep;

/// How long an ack waits for others.
const DELAY: Duration = Duration::from_millis(50);

/// The acks of one channel. If the channel ends before an ack is sent, the broker redelivers the
/// message; the worker then finds nothing left to do.
#[derive(Debug, Clone)]
pub(crate) struct Acks(Arc<Channel>);

#[derive(Debug)]
struct Channel {
    done: Mutex<Done<Acker>>,
    /// Acks are flushed early above this number: the broker sends no more unacknowledged messages
    /// than the prefetch, so waiting longer would leave the worker idle.
    batch_max: usize,
    first: Notify,
    full: Notify,
}

/// The ack of one message.
#[derive(Debug, Clone)]
pub(crate) struct Ack {
    acks: Acks,
    tag: u64,
    acker: Acker,
}

impl Ack {
    /// Schedules the ack. Call it once the message's outcome is recorded.
    pub(crate) fn schedule(self) {
        let Ack { acks, tag, acker } = self;
        let mut done = acks.0.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.insert(tag, acker);
        if done.waiting > acks.0.batch_max {
            acks.0.full.notify_one();
        }
        acks.0.first.notify_one();
    }

    /// Whether the channel has closed, so that the broker redelivers the message.
    pub(crate) fn is_stale(&self) -> bool {
        self.acker.poisoned()
    }
}

impl Acks {
    /// The acks of a new channel.
    pub(crate) fn new(prefetch: u16) -> Self {
        Self(Arc::new(Channel {
            done: Mutex::default(),
            batch_max: usize::from(prefetch / 4),
            first: Notify::new(),
            full: Notify::new(),
        }))
    }

    pub(crate) fn of(&self, message: &lapin::message::Delivery) -> Ack {
        Ack {
            acks: self.clone(),
            tag: message.delivery_tag,
            acker: message.acker.clone(),
        }
    }

    /// Returns when there are acks to send and they have waited long enough.
    pub(crate) async fn due(&self) {
        self.0.first.notified().await;
        tokio::select! {
            () = sleep(DELAY) => {}
            () = self.0.full.notified() => {}
        }
    }

    /// Sends all scheduled acks.
    pub(crate) async fn flush(&self) {
        let batch = {
            let mut done = self.0.done.lock().unwrap_or_else(PoisonError::into_inner);
            done.take()
        };
        let acked = batch.iter().map(|(acker, multiple)| {
            acker.ack(BasicAckOptions {
                multiple: *multiple,
            })
        });
        for acked in join_all(acked).await {
            if !matches!(acked, Ok(true)) {
                tracing::debug!("an ack was not sent; the broker will redeliver the messages");
            }
        }
    }
}

/// The messages of a channel that are done, by delivery tag. The tags of a channel count from 1.
#[derive(Debug)]
struct Done<A> {
    /// All messages up to this tag are acked.
    acked_to: u64,
    /// `None`: acked, while an earlier message is still in progress.
    later: BTreeMap<u64, Option<A>>,
    waiting: usize,
}

impl<A> Default for Done<A> {
    fn default() -> Self {
        Self {
            acked_to: 0,
            later: BTreeMap::new(),
            waiting: 0,
        }
    }
}

impl<A> Done<A> {
    fn insert(&mut self, tag: u64, acker: A) {
        self.later.insert(tag, Some(acker));
        self.waiting += 1;
    }

    /// The acks to send. One with `true` is for its message and all earlier ones; a message behind one
    /// that is still in progress is acked alone.
    fn take(&mut self) -> Vec<(A, bool)> {
        let mut last = None;
        while let Some(next) = self.later.first_entry()
            && *next.key() == self.acked_to + 1
        {
            last = next.remove().or(last);
            self.acked_to += 1;
        }
        self.waiting = 0;
        let alone = self.later.values_mut().filter_map(Option::take);
        let batch = last.into_iter().map(|acker| (acker, true));
        batch.chain(alone.map(|acker| (acker, false))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_in_order_share_an_ack() {
        let mut done = Done::default();
        for tag in [2, 1, 3] {
            done.insert(tag, tag);
        }
        assert_eq!(done.take(), [(3, true)]);
        assert_eq!(done.take(), []);
    }

    #[test]
    fn a_message_in_progress_holds_back_no_other() {
        let mut done = Done::default();
        for tag in [1, 3, 4] {
            done.insert(tag, tag);
        }
        assert_eq!(done.take(), [(1, true), (3, false), (4, false)]);
        done.insert(6, 6);
        assert_eq!(done.take(), [(6, false)]);
        done.insert(2, 2);
        done.insert(5, 5);
        assert_eq!(done.take(), [(5, true)]);
        assert_eq!((done.acked_to, done.later.len()), (6, 0));
    }

    proptest! {
        /// Whatever the order and the batches, exactly the messages that are done are acked.
        #[test]
        fn only_what_is_done_is_acked(
            order in Just((1..=40_u64).collect::<Vec<_>>()).prop_shuffle(),
            batch in 1_usize..10,
        ) {
            let mut done = Done::default();
            let mut acked = std::collections::BTreeSet::new();
            for (number, tags) in order.chunks(batch).enumerate() {
                for tag in tags {
                    done.insert(*tag, *tag);
                }
                for (tag, multiple) in done.take() {
                    acked.extend(if multiple { 1..=tag } else { tag..=tag });
                }
                let finished = order.iter().take((number + 1) * batch).copied();
                prop_assert_eq!(&acked, &finished.collect());
            }
            prop_assert!(done.later.is_empty());
        }
    }
}
