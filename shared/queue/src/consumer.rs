//! A worker's queue, as apalis wants to see it: an endless source that never fails.

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
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, message};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::acks::Acks;
use crate::connection::{self, BROKER_TIMEOUT, Lost, Session, gone, within};
use crate::{Health, JobMessage, OutcomeLayer, codec, declare, queues};

/// What rings for one worker. Clones share one session with the broker; it ends with the first
/// worker that closes it, or with the last clone.
#[derive(Debug, Clone)]
pub struct Consumer<S> {
    messages: Arc<Mutex<mpsc::Receiver<JobMessage>>>,
    health: Health,
    acks: Acks,
    recorder: S,
    ended: watch::Receiver<()>,
}

impl<S> Consumer<S> {
    /// Starts listening to a worker's queue at the broker at `url`, holding at most `prefetch`
    /// deliveries at a time: give it the worker's concurrency.
    #[must_use]
    pub fn start(url: &str, worker: Worker, prefetch: u16, recorder: S) -> Consumer<S> {
        let (received, messages) = mpsc::channel(usize::from(prefetch).max(1));
        let health = Health::default();
        let acks = Acks::new(prefetch, health.clone());
        let (ending, ended) = watch::channel(());
        let task = ConsumerTask {
            worker,
            prefetch,
            received,
            acks: acks.clone(),
            health: health.clone(),
            refusals: 0,
            _ending: ending,
        };
        connection::start(url, &format!("{worker} listener"), &health, task);
        Consumer {
            messages: Arc::new(Mutex::new(messages)),
            health,
            acks,
            recorder,
            ended,
        }
    }

    /// Waits a little until the session has ended, with everything acknowledged that is settled: once
    /// the worker has closed it.
    pub async fn drain(&self) {
        let mut ended = self.ended.clone();
        // Fails when there is no session any more to change it.
        if timeout(BROKER_TIMEOUT, ended.changed()).await.is_err() {
            tracing::warn!("the last acks may not have been sent, so their jobs come again");
        }
    }

    /// How the session with the broker is doing.
    #[must_use]
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

    /// Apalis calls this once nothing is in flight any more, so every ack is waiting to be sent. What was not
    /// begun is dropped, and the broker gives it to another worker when the channel closes.
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
            acks: self.acks.clone(),
        }
    }
}

/// How often in a row a broker that takes connections may refuse a queue before it is given up.
/// RabbitMQ 3.10 writes down which quorum queues it has some seconds after they are declared, and
/// brings one that it was killed with in between back without a leader, for ever.
const REFUSALS_MAX: u32 = 3;

struct ConsumerTask {
    worker: Worker,
    prefetch: u16,
    received: mpsc::Sender<JobMessage>,
    acks: Acks,
    health: Health,
    refusals: u32,
    /// Dropped with the session.
    _ending: watch::Sender<()>,
}

impl Session for ConsumerTask {
    async fn run(&mut self, connection: &Connection) -> Result<(), Lost> {
        if self.refusals >= REFUSALS_MAX {
            within(self.recreate_queue(connection)).await?;
        }
        self.refusals += 1;
        let (channel, consumer) = within(self.open(connection)).await?;
        self.refusals = 0;
        self.health.set_connected(true);
        tracing::info!(worker = %self.worker, "listening");
        {
            let mut consuming = pin!(self.consume(consumer));
            let mut gone = pin!(gone(connection, &channel));
            let mut closed = pin!(self.received.closed());
            loop {
                tokio::select! {
                    biased;
                    () = &mut closed => break,
                    lost = &mut consuming => return Err(lost),
                    lost = &mut gone => return Err(lost),
                    () = self.acks.due() => self.acks.flush().await,
                }
            }
        }
        self.acks.flush().await;
        connection::close(connection).await;
        Ok(())
    }

    async fn idle(&mut self) {
        self.received.closed().await;
    }
}

impl ConsumerTask {
    /// Deletes the queue; what it held rings again from Postgres.
    async fn recreate_queue(&self, connection: &Connection) -> Result<(), lapin::Error> {
        tracing::warn!(worker = %self.worker, "the broker refuses the queue, which is made anew");
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

    async fn consume(&self, mut consumer: lapin::Consumer) -> Lost {
        while let Some(message) = consumer.next().await {
            let message = match message {
                Ok(message) => message,
                Err(error) => return error.into(),
            };
            match self.read(&message) {
                Some(job) => {
                    if self
                        .received
                        .send(job.acked_by(message.acker))
                        .await
                        .is_err()
                    {
                        return Lost::Gone;
                    }
                }
                // Not acked if the channel is lost: then it is read, and counted, again.
                None => drop(message.acker.ack(BasicAckOptions::default()).await),
            }
        }
        Lost::Gone
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
        tracing::warn!(worker = %self.worker, error, "a message that is no job is put away");
        None
    }
}
