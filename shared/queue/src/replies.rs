//! The reply queue of an API process, and the requests that wait for a reply.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use lapin::options::{BasicConsumeOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use tokio::sync::watch;
use uuid::Uuid;

use crate::Health;
use crate::connection::{self, ConnectionError, ConnectionTask, with_timeout};

/// Receives replies for this process. Clones share one queue, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct Replies {
    waiting: Arc<Waiting>,
    health: Health,
    name: watch::Receiver<Option<Arc<str>>>,
}

#[derive(Debug, Default)]
struct Waiting(Mutex<HashMap<Uuid, watch::Sender<()>>>);

impl Replies {
    /// Starts consuming replies from the broker at `url`. The broker chooses a new queue name for
    /// each connection.
    pub fn start(url: &str, process: &str) -> Replies {
        let waiting = Arc::new(Waiting::default());
        let (named, name) = watch::channel(None);
        let health = Health::default();
        let task = ReplyTask {
            waiting: Arc::clone(&waiting),
            named,
            health: health.clone(),
        };
        connection::start(url, &format!("{process} replies"), &health, task);
        Replies {
            waiting,
            health,
            name,
        }
    }

    /// The state of the connection.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// The queue's name, to pass as `reply_to`; `None` while there is no connection.
    pub fn name(&self) -> Option<Arc<str>> {
        self.name.borrow().clone()
    }

    /// Registers interest in replies about `id`. Call it before publishing the job: a reply that
    /// arrives earlier is not stored.
    #[must_use]
    pub fn wait(&self, id: Uuid) -> Waiter {
        let replied = self
            .waiting
            .lock()
            .entry(id)
            .or_insert_with(|| watch::Sender::new(()))
            .subscribe();
        Waiter {
            id,
            replied,
            waiting: Arc::clone(&self.waiting),
        }
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, id: Uuid) {
        if let Some(waiters) = self.lock().get(&id) {
            waiters.send_replace(());
        }
    }
}

/// A request that waits for replies about one id, until it is dropped.
#[derive(Debug)]
pub struct Waiter {
    id: Uuid,
    replied: watch::Receiver<()>,
    waiting: Arc<Waiting>,
}

impl Waiter {
    /// Returns at the next reply, or at once if one arrived since the last call. It may never
    /// return, so combine it with a timeout.
    pub async fn replied(&mut self) {
        if self.replied.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Entry::Occupied(waiters) = self.waiting.lock().entry(self.id)
            && waiters.get().receiver_count() == 1
        {
            waiters.remove();
        }
    }
}

struct ReplyTask {
    waiting: Arc<Waiting>,
    named: watch::Sender<Option<Arc<str>>>,
    health: Health,
}

impl ConnectionTask for ReplyTask {
    async fn run(&mut self, connection: &Connection) -> Result<(), ConnectionError> {
        let (channel, mut consumer) = with_timeout(open(connection)).await?;
        self.named
            .send_replace(Some(consumer.queue().as_str().into()));
        self.health.set_connected(true);
        let error = tokio::select! {
            () = self.named.closed() => None,
            error = consume(&mut consumer, &self.waiting) => Some(error),
            error = connection::closed(connection, &channel) => Some(error),
        };
        self.named.send_replace(None);
        if let Some(error) = error {
            return Err(error);
        }
        connection::close(connection).await;
        Ok(())
    }

    async fn idle(&mut self) {
        self.named.closed().await;
    }
}

async fn open(connection: &Connection) -> Result<(Channel, Consumer), lapin::Error> {
    let channel = connection.create_channel().await?;
    let exclusive = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let queue = channel
        .queue_declare("".into(), exclusive, FieldTable::default())
        .await?;
    let without_acks = BasicConsumeOptions {
        no_ack: true,
        ..BasicConsumeOptions::default()
    };
    let name = queue.name().clone();
    let consumer = channel
        .basic_consume(name, "".into(), without_acks, FieldTable::default())
        .await?;
    Ok((channel, consumer))
}

async fn consume(consumer: &mut Consumer, waiting: &Waiting) -> ConnectionError {
    loop {
        match consumer.next().await {
            Some(Ok(reply)) => {
                if let Ok(id) = Uuid::from_slice(&reply.data) {
                    waiting.reply(id);
                }
            }
            Some(Err(error)) => return error.into(),
            None => return ConnectionError::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn replies() -> Replies {
        let (_, name) = watch::channel(None);
        Replies {
            waiting: Arc::default(),
            health: Health::default(),
            name,
        }
    }

    #[test]
    fn a_reply_wakes_all_waiters_for_its_id() {
        let replies = replies();
        let (id, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (mut first, mut second) = (replies.wait(id), replies.wait(id));
        let mut third = replies.wait(other);
        replies.waiting.reply(id);
        assert!(first.replied().now_or_never().is_some());
        assert!(second.replied().now_or_never().is_some());
        assert!(third.replied().now_or_never().is_none());
        assert!(
            first.replied().now_or_never().is_none(),
            "each reply wakes a waiter once"
        );
        replies.waiting.reply(id);
        assert!(first.replied().now_or_never().is_some());
    }

    #[test]
    fn dropped_waiters_are_removed() {
        let replies = replies();
        let id = Uuid::from_u128(1);
        let (first, second) = (replies.wait(id), replies.wait(id));
        drop(first);
        assert_eq!(replies.waiting.lock().len(), 1);
        drop(second);
        assert_eq!(replies.waiting.lock().len(), 0);
        replies.waiting.reply(id);
    }
}
