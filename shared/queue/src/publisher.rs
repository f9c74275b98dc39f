//! Ringing for workers, and hinting to whoever waits for them.

use std::sync::Arc;

use domain::job::Job;
use futures::future::join_all;
use lapin::types::ShortString;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use uuid::Uuid;

use crate::Health;
use crate::connection::{self, BROKER_TIMEOUT};
use crate::publish_task::{Command, PublishTask};

const BUFFER: usize = 4096;

/// A handle on this process's publisher. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Publisher {
    commands: mpsc::Sender<Command>,
    health: Health,
}

impl Publisher {
    /// Starts this process's publisher, which keeps a session with the broker at `url` for as
    /// long as there is a publisher.
    #[must_use]
    pub fn start(url: &str, process: &str) -> Publisher {
        let (commands, received) = mpsc::channel(BUFFER);
        let health = Health::default();
        let publisher = PublishTask::new(received, health.clone());
        connection::start(url, process, &health, publisher);
        Publisher { commands, health }
    }

    /// Rings for a worker, if that can be done at once. The calendar rings again for what is
    /// dropped here.
    pub fn publish(&self, job: Job, reply_to: Option<Arc<str>>) {
        self.send(Command::Publish {
            job,
            reply_to,
            confirmed: None,
        });
    }

    /// Rings for all these jobs and waits until the broker has them; says how many it has.
    pub async fn publish_all(&self, jobs: Vec<Job>) -> usize {
        if !self.is_connected() {
            return 0;
        }
        let mut confirmations = Vec::with_capacity(jobs.len());
        for job in jobs {
            let (confirmed, confirmation) = oneshot::channel();
            let publish = Command::Publish {
                job,
                reply_to: None,
                confirmed: Some(confirmed),
            };
            if self.commands.send(publish).await.is_err() {
                break;
            }
            confirmations.push(confirmation);
        }
        join_all(confirmations)
            .await
            .iter()
            .filter(|confirmation| confirmation.is_ok())
            .count()
    }

    /// Tells the process behind `reply_to` that there is something to read about `id`. A reply
    /// that is lost makes an answer slower, never wrong.
    pub fn reply(&self, reply_to: &str, id: Uuid) {
        if let Ok(reply_to) = ShortString::try_new(reply_to) {
            self.send(Command::Reply { reply_to, id });
        }
    }

    /// Whether there is a session with the broker.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.health.is_connected()
    }

    /// How the publisher is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Waits a little for what is still in flight and ends the publisher; later rings are
    /// dropped.
    pub async fn drain(&self) {
        let (end, ended) = oneshot::channel();
        let drained = async {
            if self.commands.send(Command::Stop(end)).await.is_ok() {
                let _ended = ended.await;
            }
        };
        if timeout(BROKER_TIMEOUT, drained).await.is_err() {
            tracing::warn!("the bell was not drained in time");
        }
    }

    fn send(&self, command: Command) {
        if !self.is_connected() || self.commands.try_send(command).is_err() {
            self.health.count_dropped();
            tracing::debug!("no session or no room: a ring or hint is dropped");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::job::Worker;

    #[tokio::test]
    async fn without_a_broker_nothing_blocks_and_nothing_is_kept() {
        let publisher = Publisher::start("amqp://127.0.0.1:1", "test");
        let job = Job {
            worker: Worker::Card,
            id: Uuid::from_u128(7),
            seq: 7,
        };
        publisher.publish(job, None);
        publisher.reply("amq.gen-1", job.id);
        assert_eq!(publisher.publish_all(vec![job, job]).await, 0);
        assert_eq!(publisher.health().dropped(), 2);
        assert!(!publisher.is_connected());
        publisher.drain().await;
        publisher.publish(job, None);
        assert_eq!(publisher.health().dropped(), 3);
    }
}
