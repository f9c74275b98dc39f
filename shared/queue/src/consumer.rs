//! A worker's queue as a backend for apalis: an endless stream that never fails.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::worker::context::WorkerContext;
use domain::job::Worker;
use futures::StreamExt;
use lapin::options::{BasicConsumeOptions, BasicQosOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, message};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::acks::Acks;
use crate::connection::{self, BROKER_TIMEOUT, ConnectionError, ConnectionTask, with_timeout};
use crate::{Health, JobMessage, OutcomeLayer, codec, declare, queues};

/// Consumes the queue of one worker. Clones share one connection; it ends when the first apalis
/// worker closes it, or with the last clone.
#[derive(Debug, Clone)]
pub struct Consumer<S> {
    messages: Arc<Mutex<mpsc::Receiver<JobMessage>>>,
    health: Health,
    recorder: S,
    ended: watch::Receiver<()>,
}

impl<S> Consumer<S> {
    /// Starts consuming the worker's queue from the broker at `url`, with at most `prefetch`
    /// unacknowledged messages at a time. Set it to the worker's concurrency.
    pub fn start(url: &str, worker: Worker, prefetch: u16, recorder: S) -> Consumer<S> {
        let (received, messages) = mpsc::channel(usize::from(prefetch).max(1));
        let health = Health::default();
        let (ending, ended) = watch::channel(());
        let task = ConsumerTask {
            worker,
            prefetch,
            received,
            health: health.clone(),
            failures: 0,
            _ending: ending,
        };
        connection::start(url, &format!("{worker} consumer"), &health, task);
        Consumer {
            messages: Arc::new(Mutex::new(messages)),
            health,
            recorder,
            ended,
        }
    }

    /// Waits until the pending acks are sent and the connection is closed, for at most five seconds.
    /// Call it after the apalis worker has closed its backend.
    pub async fn drain(&self) {
        let mut ended = self.ended.clone();
        // `changed` fails when the task has ended and dropped its sender; that is success here.
        if timeout(BROKER_TIMEOUT, ended.changed()).await.is_err() {
            tracing::warn!(
                "shutdown: some acks may not be sent; the broker redelivers their messages"
            );
        }
    }

    /// The state of the connection.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    fn messages(&self) -> MutexGuard<'_, mpsc::Receiver<JobMessage>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Backend for Consumer<S> {
    type Task = Task<JobMessage>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Task<JobMessage>, Infallible>>> {
        let mut messages = self.messages();
        while let Some(message) = ready!(messages.poll_recv(cx)) {
            if !message.is_stale() {
                return Poll::Ready(Some(Ok(Task::new(message))));
            }
        }
        Poll::Ready(None)
    }

    /// Apalis calls this when no handler is running, so every outcome is recorded and its ack is
    /// pending. Messages that were not started are dropped; the broker redelivers them when the
    /// channel closes.
    fn poll_close(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        let mut messages = self.messages();
        messages.close();
        while ready!(messages.poll_recv(cx)).is_some() {}
        Poll::Ready(Ok(()))
    }
}

impl<S: Clone> BackendConfig for Consumer<S> {
    type Args = JobMessage;
    type Id = u64;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = OutcomeLayer<S>;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> OutcomeLayer<S> {
        OutcomeLayer {
            recorder: self.recorder.clone(),
        }
    }
}

/// After this many failures in a row to open the queue on a working connection, the queue is
/// recreated. RabbitMQ 3.10 persists the list of its quorum queues some seconds after a declaration;
/// a queue that was declared just before the broker was killed comes back without a leader and never
/// recovers.
const OPEN_FAILURES_MAX: u32 = 3;

struct ConsumerTask {
    worker: Worker,
    prefetch: u16,
    received: mpsc::Sender<JobMessage>,
    health: Health,
    failures: u32,
    /// Dropped with the task, which ends `drain`.
    _ending: watch::Sender<()>,
}

impl ConnectionTask for ConsumerTask {
    async fn run(&mut self, connection: &Connection) -> Result<(), ConnectionError> {
        if self.failures >= OPEN_FAILURES_MAX {
            with_timeout(self.recreate_queue(connection)).await?;
        }
        self.failures += 1;
        let (channel, consumer) = with_timeout(self.open(connection)).await?;
        self.failures = 0;
        self.health.set_connected(true);
        tracing::info!(worker = %self.worker, "consuming jobs from RabbitMQ");
        let acks = Acks::new(self.prefetch);
        {
            let mut consuming = pin!(self.consume(consumer, &acks));
            let mut disconnected = pin!(connection::closed(connection, &channel));
            let mut stopped = pin!(self.received.closed());
            loop {
                tokio::select! {
                    biased;
                    () = &mut stopped => break,
                    error = &mut consuming => return Err(error),
                    error = &mut disconnected => return Err(error),
                    () = acks.due() => acks.flush().await,
                }
            }
        }
        acks.flush().await;
        connection::close(connection).await;
        Ok(())
    }

    async fn idle(&mut self) {
        self.received.closed().await;
    }
}

impl ConsumerTask {
    /// Deletes the queue; `open` declares it again. Its messages are lost, but the scheduler
    /// publishes overdue jobs again from Postgres.
    async fn recreate_queue(&self, connection: &Connection) -> Result<(), lapin::Error> {
        tracing::warn!(worker = %self.worker, "cannot open the queue; recreating it");
        let channel = connection.create_channel().await?;
        let queue = queues::name(self.worker).into();
        channel
            .queue_delete(queue, QueueDeleteOptions::default())
            .await?;
        Ok(())
    }

    async fn open(
        &self,
        connection: &Connection,
    ) -> Result<(Channel, lapin::Consumer), lapin::Error> {
        let channel = connection.create_channel().await?;
        declare(&channel).await?;
        channel
            .basic_qos(self.prefetch, BasicQosOptions::default())
            .await?;
        let queue = queues::name(self.worker).into();
        let options = BasicConsumeOptions::default();
        let consumer = channel
            .basic_consume(queue, "".into(), options, FieldTable::default())
            .await?;
        Ok((channel, consumer))
    }

    async fn consume(&self, mut consumer: lapin::Consumer, acks: &Acks) -> ConnectionError {
        while let Some(message) = consumer.next().await {
            let message = match message {
                Ok(message) => message,
                Err(error) => return error.into(),
            };
            let ack = acks.of(&message);
            match self.read(&message) {
                Some(job) => {
                    if self.received.send(job.acked_by(ack)).await.is_err() {
                        return ConnectionError::Closed;
                    }
                }
                // If the channel fails before this ack, the message is redelivered and counted again.
                None => ack.schedule(),
            }
        }
        ConnectionError::Closed
    }

    fn read(&self, message: &message::Delivery) -> Option<JobMessage> {
        let error = match codec::decode(&message.data) {
            Ok(job) if job.worker == self.worker => {
                let reply_to = message.properties.reply_to().as_ref();
                return Some(JobMessage::new(
                    job,
                    reply_to.map(|name| name.as_str().into()),
                ));
            }
            Ok(_) => "the job is for another worker".to_owned(),
            Err(error) => error.to_string(),
        };
        self.health.count_undecodable();
        tracing::warn!(worker = %self.worker, error, "discarded a message that is not a job");
        None
    }
}
