//! Publishing with many confirms in flight.

use std::pin::pin;
use std::sync::Arc;

use domain::work::Job;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::session::{self, Lost, Session, gone, within};
use crate::{Health, declare, queues, wire};

const IN_FLIGHT_MAX: usize = 512;

/// What a bell says to its publisher.
#[derive(Debug)]
pub(crate) enum Word {
    Ring {
        job: Job,
        reply_to: Option<Arc<str>>,
        confirmed: Option<oneshot::Sender<()>>,
    },
    Hint {
        reply_to: ShortString,
        id: Uuid,
    },
    /// The last word; its sender is dropped when the publisher has ended.
    End(oneshot::Sender<()>),
}

/// The one task that publishes for all of a process's bells.
pub(crate) struct Publisher {
    words: mpsc::Receiver<Word>,
    health: Health,
    end: Option<oneshot::Sender<()>>,
}

impl Publisher {
    pub(crate) fn new(words: mpsc::Receiver<Word>, health: Health) -> Publisher {
        Publisher {
            words,
            health,
            end: None,
        }
    }
}

impl Session for Publisher {
    async fn run(&mut self, connection: &Connection) -> Result<(), Lost> {
        let (jobs, hints) = within(open(connection)).await?;
        self.health.set_connected(true);
        tracing::info!("the bell is ready");
        let mut gone = pin!(gone(connection, &jobs));
        let mut in_flight = FuturesUnordered::new();
        loop {
            let word = tokio::select! {
                Some(published) = in_flight.next() => { published?; continue }
                lost = &mut gone => return Err(lost),
                word = self.words.recv(), if in_flight.len() < IN_FLIGHT_MAX => word,
            };
            match word {
                Some(Word::Ring {
                    job,
                    reply_to,
                    confirmed,
                }) => {
                    let letter = Letter::ring(&job, reply_to.as_deref(), confirmed);
                    in_flight.push(publish(&jobs, letter));
                }
                Some(Word::Hint { reply_to, id }) => {
                    in_flight.push(publish(&hints, Letter::hint(reply_to, id)));
                }
                Some(Word::End(end)) => {
                    self.end = Some(end);
                    break;
                }
                None => break,
            }
        }
        while let Some(published) = in_flight.next().await {
            published?;
        }
        session::close(connection).await;
        Ok(())
    }

    /// Rings are not kept for a broker that is away: the calendar keeps them.
    async fn idle(&mut self) {
        while self.end.is_none() {
            match self.words.recv().await {
                Some(Word::Ring { .. } | Word::Hint { .. }) => self.health.count_dropped(),
                Some(Word::End(end)) => self.end = Some(end),
                None => return,
            }
        }
    }
}

/// A channel with confirms for jobs and one without for hints.
async fn open(connection: &Connection) -> Result<(Channel, Channel), lapin::Error> {
    let jobs = connection.create_channel().await?;
    declare(&jobs).await?;
    jobs.confirm_select(ConfirmSelectOptions::default()).await?;
    let hints = connection.create_channel().await?;
    Ok((jobs, hints))
}

struct Letter {
    queue: ShortString,
    body: Vec<u8>,
    properties: BasicProperties,
    mandatory: bool,
    confirmed: Option<oneshot::Sender<()>>,
}

impl Letter {
    fn ring(job: &Job, reply_to: Option<&str>, confirmed: Option<oneshot::Sender<()>>) -> Letter {
        Letter {
            queue: queues::name(job.worker).into(),
            body: wire::encode(job).into_bytes(),
            properties: wire::properties(job, reply_to),
            mandatory: true,
            confirmed,
        }
    }

    fn hint(reply_to: ShortString, id: Uuid) -> Letter {
        Letter {
            queue: reply_to,
            body: id.into_bytes().to_vec(),
            properties: BasicProperties::default(),
            mandatory: false,
            confirmed: None,
        }
    }
}

async fn publish(channel: &Channel, letter: Letter) -> Result<(), Lost> {
    let Letter {
        queue,
        body,
        properties,
        mandatory,
        confirmed,
    } = letter;
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
    match within(published).await? {
        Confirmation::Ack(None) => {
            if let Some(confirmed) = confirmed {
                // Whoever rang may have gone.
                let _heard = confirmed.send(());
            }
            Ok(())
        }
        Confirmation::Ack(Some(_)) => Err(Lost::Unroutable),
        Confirmation::Nack(_) => {
            tracing::debug!("the broker refused a ring");
            Ok(())
        }
        Confirmation::NotRequested => Ok(()),
    }
}
