//! An API process's own queue of hints, and those who wait for one.

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
use crate::connection::{self, Lost, Session, gone, within};

/// The hints for this process. Cheap to clone; ends with its last clone.
#[derive(Debug, Clone)]
pub struct Replies {
    waiting: Arc<Waiting>,
    name: watch::Receiver<Option<Arc<str>>>,
}

#[derive(Debug, Default)]
struct Waiting(Mutex<HashMap<Uuid, watch::Sender<()>>>);

impl Replies {
    /// Starts listening for hints, under a fresh name in each session with the broker at `url`.
    #[must_use]
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
        Replies { waiting, name }
    }

    /// The name to give as `reply_to`, while there is a session.
    #[must_use]
    pub fn name(&self) -> Option<Arc<str>> {
        self.name.borrow().clone()
    }

    /// Waits for hints about `id` from now on. Call it before ringing.
    #[must_use]
    pub fn wait(&self, id: Uuid) -> Waiter {
        let replies_in = self
            .waiting
            .lock()
            .entry(id)
            .or_insert_with(|| watch::Sender::new(()))
            .subscribe();
        Waiter {
            id,
            replies_in,
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

/// One request's interest in one id; dropping it ends the interest.
#[derive(Debug)]
pub struct Waiter {
    id: Uuid,
    replies_in: watch::Receiver<()>,
    waiting: Arc<Waiting>,
}

impl Waiter {
    /// Ends at the next hint, or at once for one that came since the last call. May never end.
    pub async fn replied(&mut self) {
        if self.replies_in.changed().await.is_err() {
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

impl Session for ReplyTask {
    async fn run(&mut self, connection: &Connection) -> Result<(), Lost> {
        let (channel, mut replies_in) = within(open(connection)).await?;
        self.named
            .send_replace(Some(replies_in.queue().as_str().into()));
        self.health.set_connected(true);
        let lost = tokio::select! {
            () = self.named.closed() => None,
            lost = consume(&mut replies_in, &self.waiting) => Some(lost),
            lost = gone(connection, &channel) => Some(lost),
        };
        self.named.send_replace(None);
        if let Some(lost) = lost {
            return Err(lost);
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
    let ours = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let queue = channel
        .queue_declare("".into(), ours, FieldTable::default())
        .await?;
    let unacked = BasicConsumeOptions {
        no_ack: true,
        ..BasicConsumeOptions::default()
    };
    let name = queue.name().clone();
    let replies_in = channel
        .basic_consume(name, "".into(), unacked, FieldTable::default())
        .await?;
    Ok((channel, replies_in))
}

async fn consume(replies_in: &mut Consumer, waiting: &Waiting) -> Lost {
    loop {
        match replies_in.next().await {
            Some(Ok(reply)) => {
                if let Ok(id) = Uuid::from_slice(&reply.data) {
                    waiting.reply(id);
                }
            }
            Some(Err(error)) => return error.into(),
            None => return Lost::Gone,
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
            name,
        }
    }

    #[test]
    fn a_hint_wakes_all_who_wait_for_its_id() {
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
            "each hint is heard once"
        );
        replies.waiting.reply(id);
        assert!(first.replied().now_or_never().is_some());
    }

    #[test]
    fn nobody_is_remembered_who_has_gone() {
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
