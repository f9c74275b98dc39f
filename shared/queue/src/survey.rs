//! What the broker holds, for an operator's one look at it.

use domain::job::Worker;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Channel, Connection};
use tokio::time::timeout;

use crate::connection::{self, BROKER_TIMEOUT, ConnectionError, connect, with_timeout};
use crate::queues;

/// A worker's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueStatus {
    /// The worker.
    pub worker: Worker,
    /// Messages that wait; those that a worker has taken are not counted.
    pub messages: u32,
    /// Consumers: one for each process of the worker.
    pub consumers: u32,
}

/// Why the broker could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SurveyError {
    /// The URL is not an AMQP URL.
    #[error("the broker's URL is not an AMQP URL")]
    UrlInvalid,
    /// The broker refused the user, its password, or the virtual host.
    #[error("the broker refused the login or the virtual host")]
    LoginRefused,
    /// There is no connection, or no answer in time.
    #[error("the broker is unreachable")]
    Unreachable,
}

/// Asks the broker about every worker's queue. A queue that does not exist yet is empty. Takes 5 seconds
/// at most.
pub async fn survey(url: &str) -> Result<Vec<QueueStatus>, SurveyError> {
    let asked = timeout(BROKER_TIMEOUT, read_queues(url)).await;
    asked
        .map_err(|_| SurveyError::Unreachable)?
        .map_err(|error| {
            tracing::debug!(%error, "cannot ask the broker about its queues");
            match error {
                ConnectionError::InvalidUrl => SurveyError::UrlInvalid,
                ConnectionError::Broker(error) if is_refusal(&error) => SurveyError::LoginRefused,
                _ => SurveyError::Unreachable,
            }
        })
}

async fn read_queues(url: &str) -> Result<Vec<QueueStatus>, ConnectionError> {
    let connection = connect(url, "sluice operator", std::time::Duration::ZERO).await?;
    let mut queues = Vec::new();
    for worker in Worker::ALL {
        queues.push(status(&connection, worker).await?);
    }
    connection::close(&connection).await;
    Ok(queues)
}

async fn status(connection: &Connection, worker: Worker) -> Result<QueueStatus, ConnectionError> {
    // The broker closes a channel that names a missing queue, so each queue has a channel of its own.
    let channel: Channel = with_timeout(connection.create_channel()).await?;
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let name = queues::name(worker).into();
    let declared = channel.queue_declare(name, passive, FieldTable::default());
    let (messages, consumers) = match declared.await {
        Ok(queue) => (queue.message_count(), queue.consumer_count()),
        Err(_) if connection.status().connected() => (0, 0),
        Err(error) => return Err(error.into()),
    };
    Ok(QueueStatus {
        worker,
        messages,
        consumers,
    })
}

/// Whether the broker answered the login: RabbitMQ closes with 403, or 530 for
/// a virtual host.
fn is_refusal(error: &lapin::Error) -> bool {
    use lapin::ErrorKind::ProtocolError;
    matches!(error.kind(), ProtocolError(error) if matches!(error.get_id(), 403 | 530))
}
