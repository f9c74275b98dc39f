//! A worker's queue, as apalis wants to see it: an endless source that never fails.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::worker::context::WorkerContext;
use domain::work::Worker;
use futures::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer, message};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::acks::Acks;
use crate::session::{self, Lost, PATIENCE, Session, gone, within};
use crate::{Delivery, Health, SettleLayer, declare, queues, wire};

/// What rings for one worker. Clones share one session with the broker; it ends with the first
/// worker that closes it, or with the last clone.
#[derive(Debug, Clone)]
pub struct Listener<S> {
    deliveries: Arc<Mutex<mpsc::Receiver<Delivery>>>,
    health: Health,
    acks: Acks,
    settle: S,
    ended: watch::Receiver<()>,
}

impl<S> Listener<S> {
    /// Starts listening to a worker's queue at the broker at `url`, holding at most `prefetch`
    /// deliveries at a time: give it the worker's concurrency.
    #[must_use]
    pub fn start(url: &str, worker: Worker, prefetch: u16, settle: S) -> Listener<S> {
        let (heard, deliveries) = mpsc::channel(usize::from(prefetch).max(1));
        let health = Health::default();
        let acks = Acks::new(prefetch, health.clone());
        let (ending, ended) = watch::channel(());
        let ear = Ear {
            worker,
            prefetch,
            heard,
            acks: acks.clone(),
            health: health.clone(),
            refusals: 0,
            _ending: ending,
        };
        session::start(url, &format!("{worker} listener"), &health, ear);
        Listener {
            deliveries: Arc::new(Mutex::new(deliveries)),
            health,
            acks,
            settle,
            ended,
        }
    }

    /// Waits a little until the session has ended, with everything acknowledged that is settled: once
    /// the worker has closed it.
    pub async fn drain(&self) {
        let mut ended = self.ended.clone();
        // Fails when there is no session any more to change it.
        if timeout(PATIENCE, ended.changed()).await.is_err() {
            tracing::warn!("the last acks may not have been sent, so their jobs come again");
        }
    }

    /// How the session with the broker is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    fn deliveries(&self) -> MutexGuard<'_, mpsc::Receiver<Delivery>> {
        self.deliveries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Backend for Listener<S> {
    type Task = Task<Delivery>;
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
    ) -> Poll<Option<Result<Task<Delivery>, Infallible>>> {
        let mut deliveries = self.deliveries();
        while let Some(delivery) = ready!(deliveries.poll_recv(cx)) {
            if !delivery.is_stale() {
                return Poll::Ready(Some(Ok(Task::new(delivery))));
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
        let mut deliveries = self.deliveries();
        deliveries.close();
        while ready!(deliveries.poll_recv(cx)).is_some() {}
        Poll::Ready(Ok(()))
    }
}

impl<S: Clone> BackendConfig for Listener<S> {
    type Args = Delivery;
    type Id = u64;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = SettleLayer<S>;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> SettleLayer<S> {
        SettleLayer {
            settle: self.settle.clone(),
            acks: self.acks.clone(),
        }
    }
}

/// How often in a row a broker that takes connections may refuse a queue before it is given up.
/// RabbitMQ 3.10 writes down which quorum queues it has some seconds after they are declared, and
/// brings one that it was killed with in between back without a leader, for ever.
const REFUSALS_MAX: u32 = 3;

struct Ear {
    worker: Worker,
    prefetch: u16,
    heard: mpsc::Sender<Delivery>,
    acks: Acks,
    health: Health,
    refusals: u32,
    /// Dropped with the session.
    _ending: watch::Sender<()>,
}

impl Session for Ear {
    async fn run(&mut self, connection: &Connection) -> Result<(), Lost> {
        if self.refusals >= REFUSALS_MAX {
            within(self.give_up(connection)).await?;
        }
        self.refusals += 1;
        let (channel, consumer) = within(self.open(connection)).await?;
        self.refusals = 0;
        self.health.set_connected(true);
        tracing::info!(worker = %self.worker, "listening");
        {
            let mut hearing = pin!(self.hear(consumer));
            let mut gone = pin!(gone(connection, &channel));
            let mut closed = pin!(self.heard.closed());
            loop {
                tokio::select! {
                    biased;
                    () = &mut closed => break,
                    lost = &mut hearing => return Err(lost),
                    lost = &mut gone => return Err(lost),
                    () = self.acks.due() => self.acks.flush().await,
                }
            }
        }
        self.acks.flush().await;
        session::close(connection).await;
        Ok(())
    }

    async fn idle(&mut self) {
        self.heard.closed().await;
    }
}

impl Ear {
    /// Deletes the queue; what it held rings again from Postgres.
    async fn give_up(&self, connection: &Connection) -> Result<(), lapin::Error> {
        tracing::warn!(worker = %self.worker, "the broker refuses the queue, which is made anew");
        let channel = connection.create_channel().await?;
        let queue = queues::name(self.worker).into();
        channel
            .queue_delete(queue, QueueDeleteOptions::default())
            .await?;
        Ok(())
    }

    async fn open(&self, connection: &Connection) -> Result<(Channel, Consumer), lapin::Error> {
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

    async fn hear(&self, mut consumer: Consumer) -> Lost {
        while let Some(message) = consumer.next().await {
            let message = match message {
                Ok(message) => message,
                Err(error) => return error.into(),
            };
            match self.read(&message) {
                Some(delivery) => {
                    if self
                        .heard
                        .send(delivery.acked_by(message.acker))
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

    fn read(&self, message: &message::Delivery) -> Option<Delivery> {
        let error = match wire::decode(&message.data) {
            Ok(job) if job.worker == self.worker => {
                let reply_to = message.properties.reply_to().as_ref();
                return Some(Delivery::new(
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
