//! Publishes with many publisher confirms in flight.

use std::pin::pin;
use std::sync::Arc;

use domain::job::{Job, Worker};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::connection::{self, ConnectionError, ConnectionTask, with_timeout};
use crate::publisher::log_dropped;
use crate::shares::Shares;
use crate::{Health, codec, declare, queues};

const IN_FLIGHT_MAX: usize = 512;

/// What a [`crate::Publisher`] sends to its task.
#[derive(Debug)]
pub(crate) enum Command {
    Publish {
        job: Job,
        reply_to: Option<Arc<str>>,
        confirmed: Option<oneshot::Sender<()>>,
    },
    Reply {
        reply_to: ShortString,
        id: Uuid,
    },
    /// Asks how many messages wait in the worker's queue.
    Length {
        worker: Worker,
        length: oneshot::Sender<u32>,
    },
    /// The last command; the sender is dropped when the task has ended.
    Stop(oneshot::Sender<()>),
}

/// The task that publishes for all clones of a process's [`crate::Publisher`].
pub(crate) struct PublishTask {
    commands: mpsc::Receiver<Command>,
    health: Health,
    shares: Shares,
    end: Option<oneshot::Sender<()>>,
}

impl PublishTask {
    pub(crate) fn new(
        commands: mpsc::Receiver<Command>,
        health: Health,
        shares: Shares,
    ) -> PublishTask {
        PublishTask {
            commands,
            health,
            shares,
            end: None,
        }
    }
}

impl ConnectionTask for PublishTask {
    async fn run(&mut self, connection: &Connection) -> Result<(), ConnectionError> {
        let (jobs, replies) = with_timeout(open(connection)).await?;
        self.health.set_connected(true);
        tracing::info!("connected to RabbitMQ");
        let mut disconnected = pin!(connection::closed(connection, &jobs));
        let shares = self.shares.clone();
        let mut lengths = pin!(shares.watch(&jobs));
        let mut in_flight = FuturesUnordered::new();
        loop {
            let command = tokio::select! {
                Some(published) = in_flight.next() => { published?; continue }
                error = &mut disconnected => return Err(error),
                error = &mut lengths => return Err(error),
                command = self.commands.recv(), if in_flight.len() < IN_FLIGHT_MAX => command,
            };
            match command {
                Some(Command::Publish {
                    job,
                    reply_to,
                    confirmed,
                }) => {
                    let message = Message::job(&job, reply_to.as_deref(), confirmed);
                    in_flight.push(publish(&jobs, message, &self.health));
                }
                Some(Command::Reply { reply_to, id }) => {
                    in_flight.push(publish(
                        &replies,
                        Message::reply(reply_to, id),
                        &self.health,
                    ));
                }
                Some(Command::Length { worker, length }) => {
                    // The caller may no longer wait.
                    let _ = length.send(with_timeout(queues::length(&jobs, worker)).await?);
                }
                Some(Command::Stop(end)) => {
                    self.end = Some(end);
                    break;
                }
                None => break,
            }
        }
        while let Some(published) = in_flight.next().await {
            published?;
        }
        connection::close(connection).await;
        Ok(())
    }

    /// Drops jobs while the broker is down: the scheduler publishes them again when they are overdue.
    async fn idle(&mut self) {
        while self.end.is_none() {
            match self.commands.recv().await {
                Some(Command::Publish { job, .. }) => {
                    self.health.count_dropped();
                    log_dropped(&job, "not connected");
                }
                Some(Command::Reply { .. }) => self.health.count_dropped(),
                Some(Command::Length { .. }) => {}
                Some(Command::Stop(end)) => self.end = Some(end),
                None => return,
            }
        }
    }
}

/// A channel with confirms for jobs and one without for replies.
async fn open(connection: &Connection) -> Result<(Channel, Channel), lapin::Error> {
    let jobs = connection.create_channel().await?;
    declare(&jobs).await?;
    jobs.confirm_select(ConfirmSelectOptions::default()).await?;
    let replies = connection.create_channel().await?;
    Ok((jobs, replies))
}

struct Message {
    /// The job that it is about; a reply is about none.
    job: Option<Job>,
    queue: ShortString,
    body: Vec<u8>,
    properties: BasicProperties,
    mandatory: bool,
    confirmed: Option<oneshot::Sender<()>>,
}

impl Message {
    fn job(job: &Job, reply_to: Option<&str>, confirmed: Option<oneshot::Sender<()>>) -> Message {
        // Only the scheduler waits for confirms.
        let is_new = confirmed.is_none();
        Message {
            job: Some(*job),
            queue: queues::name(job.worker).into(),
            body: codec::encode(job).into_bytes(),
            properties: codec::properties(job, is_new, reply_to),
            mandatory: true,
            confirmed,
        }
    }

    fn reply(reply_to: ShortString, id: Uuid) -> Message {
        Message {
            job: None,
            queue: reply_to,
            body: id.into_bytes().to_vec(),
            properties: BasicProperties::default(),
            mandatory: false,
            confirmed: None,
        }
    }
}

async fn publish(
    channel: &Channel,
    message: Message,
    health: &Health,
) -> Result<(), ConnectionError> {
    let Message {
        job,
        queue,
        body,
        properties,
        mandatory,
        confirmed,
    } = message;
    let options = BasicPublishOptions {
        mandatory,
        ..BasicPublishOptions::default()
    };
    let published = async {
        channel
            .basic_publish("".into(), queue, options, &body, properties)
            .await?
            .await
    };
    match with_timeout(published).await? {
        Confirmation::Ack(None) => {
            if let Some(confirmed) = confirmed {
                // The caller may no longer wait.
                let _ = confirmed.send(());
            }
            Ok(())
        }
        Confirmation::Ack(Some(_)) => Err(ConnectionError::Unroutable),
        Confirmation::Nack(_) => {
            health.count_dropped();
            if let Some(job) = job {
                log_dropped(&job, "rejected by the broker, its queue is full");
            }
            Ok(())
        }
        Confirmation::NotRequested => Ok(()),
    }
}
