//! Publishes jobs to workers, and replies to the processes that wait for them.

use std::sync::Arc;

use domain::id::MerchantId;
use domain::job::{Job, Worker};
use futures::future::join_all;
use lapin::types::ShortString;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use uuid::Uuid;

use crate::Health;
use crate::connection::{self, BROKER_TIMEOUT};
use crate::publish_task::{Command, PublishTask};
use crate::shares::Shares;

const BUFFER: usize = 4096;

/// Publishes jobs and replies. Clones share one connection and are cheap.
#[derive(Debug, Clone)]
pub struct Publisher {
    commands: mpsc::Sender<Command>,
    health: Health,
    shares: Shares,
}

impl Publisher {
    /// Starts the publisher, which stays connected to the broker at `url` until the last clone is
    /// dropped. The broker lists the connection under the name `process`.
    pub fn start(url: &str, process: &str) -> Publisher {
        let (commands, received) = mpsc::channel(BUFFER);
        let health = Health::default();
        let shares = Shares::default();
        let task = PublishTask::new(received, health.clone(), shares.clone());
        connection::start(url, process, &health, task);
        Publisher {
            commands,
            health,
            shares,
        }
    }

    /// Publishes a merchant's new job without waiting. It is dropped if the merchant has used its share of
    /// a long queue, there is no connection, the buffer or the queue is full, or no worker takes it within
    /// three seconds; the scheduler publishes it again when it is overdue.
    pub fn publish(&self, job: Job, merchant: MerchantId, reply_to: Option<Arc<str>>) {
        if !self.shares.take(job.worker, merchant) {
            self.health.count_dropped();
            return;
        }
        self.publish_next(job, reply_to);
    }

    /// Publishes a job that its worker continues at once: [`publish`](Self::publish) without the share.
    pub fn publish_next(&self, job: Job, reply_to: Option<Arc<str>>) {
        let publish = Command::Publish {
            job,
            reply_to,
            confirmed: None,
        };
        if !self.send(publish) {
            log_dropped(&job, "not connected, or too many messages wait");
        }
    }

    /// Publishes overdue jobs and waits for the broker's confirms. Returns the number of confirmed jobs.
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

    /// How many messages wait in a worker's queue; `None` while there is no connection.
    pub async fn queue_length(&self, worker: Worker) -> Option<u32> {
        if !self.is_connected() {
            return None;
        }
        let (length, reported) = oneshot::channel();
        let ask = Command::Length { worker, length };
        self.commands.send(ask).await.ok()?;
        reported.await.ok()
    }

    /// Notifies the process behind the queue `reply_to` that the row `id` has changed. A lost reply
    /// makes a response slower, never wrong, because the waiting request reads the row anyway.
    pub fn reply(&self, reply_to: &str, id: Uuid) {
        if let Ok(reply_to) = ShortString::try_new(reply_to) {
            let _ = self.send(Command::Reply { reply_to, id });
        }
    }

    /// Whether there is a working connection.
    pub fn is_connected(&self) -> bool {
        self.health.is_connected()
    }

    /// The state of the connection.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Waits for confirms in flight, for at most five seconds, and stops the publisher. Later jobs
    /// are dropped.
    pub async fn drain(&self) {
        let (end, ended) = oneshot::channel();
        let drained = async {
            if self.commands.send(Command::Stop(end)).await.is_ok() {
                let _ = ended.await;
            }
        };
        if timeout(BROKER_TIMEOUT, drained).await.is_err() {
            tracing::warn!(
                "shutdown: some messages were not published in time; the scheduler publishes their jobs"
            );
        }
    }

    /// Returns whether the command was accepted.
    fn send(&self, command: Command) -> bool {
        let is_sent = self.is_connected() && self.commands.try_send(command).is_ok();
        if !is_sent {
            self.health.count_dropped();
        }
        is_sent
    }
}

/// Logs that a job's message was not published.
pub(crate) fn log_dropped(job: &Job, reason: &str) {
    let Job { worker, id, .. } = job;
    tracing::info!(%worker, job = %id, reason, "job not published, the scheduler publishes it when it is due");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_broker_nothing_blocks_and_messages_are_dropped() {
        let publisher = Publisher::start("amqp://127.0.0.1:1", "test");
        let job = Job {
            worker: Worker::Card,
            id: Uuid::from_u128(7),
            seq: 7,
        };
        let merchant = MerchantId(Uuid::from_u128(1));
        publisher.publish(job, merchant, None);
        publisher.reply("amq.gen-1", job.id);
        assert_eq!(publisher.publish_all(vec![job, job]).await, 0);
        assert_eq!(publisher.health().dropped(), 2);
        assert!(!publisher.is_connected());
        publisher.drain().await;
        publisher.publish(job, merchant, None);
        assert_eq!(publisher.health().dropped(), 3);
    }
}
