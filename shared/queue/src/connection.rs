//! A connection to RabbitMQ that is replaced by a new one whenever anything goes wrong with it.

use std::future::Future;
use std::time::Duration;

use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties};
use tokio::time::{Instant, interval, sleep, timeout};

use crate::Health;

/// How long the broker may take for any operation.
pub(crate) const BROKER_TIMEOUT: Duration = Duration::from_secs(5);

const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
const HEARTBEAT_SECONDS: u16 = 10;
/// The largest frame, bytes; our messages take a few hundred. lapin holds 64 frames of this size for each
/// connection: with RabbitMQ's usual 128 KiB that would be 8 MiB.
const FRAME_MAX: u32 = 16 * 1024;
const CHECK_EVERY: Duration = Duration::from_millis(500);

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    /// The URL itself is left out because it contains the password.
    #[error("the broker's address is not an AMQP URL")]
    InvalidUrl,
    #[error("the broker did not respond in time")]
    Timeout,
    #[error("the connection, channel or consumer is closed")]
    Closed,
    #[error("a worker's queue does not exist")]
    Unroutable,
    #[error(transparent)]
    Broker(#[from] lapin::Error),
}

/// What runs on a connection.
pub(crate) trait ConnectionTask: Send + 'static {
    /// Runs until it is asked to stop (`Ok`) or the connection fails.
    fn run(
        &mut self,
        connection: &Connection,
    ) -> impl Future<Output = Result<(), ConnectionError>> + Send;

    /// Runs while there is no connection; returns when it is asked to stop.
    fn idle(&mut self) -> impl Future<Output = ()> + Send;
}

/// Runs a task in the background on one connection after another until it is asked to stop. The
/// broker lists the connection under `name`.
pub(crate) fn start(url: &str, name: &str, health: &Health, task: impl ConnectionTask) {
    tokio::spawn(supervise(
        url.to_owned(),
        name.to_owned(),
        health.clone(),
        task,
    ));
}

async fn supervise(url: String, name: String, health: Health, mut task: impl ConnectionTask) {
    let mut wait = Duration::ZERO;
    let (mut warned, mut attempt) = (false, 0_u32);
    loop {
        let connected = tokio::select! {
            biased;
            connected = connect(&url, &name, wait) => connected,
            () = task.idle() => return,
        };
        let started = Instant::now();
        let error = match connected {
            Ok(connection) => match task.run(&connection).await {
                Ok(()) => return health.set_connected(false),
                Err(error) => error,
            },
            Err(error) => error,
        };
        if started.elapsed() > BACKOFF_MAX {
            wait = Duration::ZERO;
        }
        wait = (wait * 2).clamp(BACKOFF_MIN, BACKOFF_MAX);
        // One warning for each outage of the broker, not for each attempt to connect.
        if health.is_connected() {
            (warned, attempt) = (false, 0);
        }
        health.set_connected(false);
        attempt = attempt.saturating_add(1);
        if warned {
            tracing::info!(name, attempt, %error, retry_in = ?wait, "still not connected to RabbitMQ, will retry");
        } else {
            tracing::warn!(name, attempt, %error, retry_in = ?wait, "not connected to RabbitMQ, will retry");
            warned = true;
        }
    }
}

pub(crate) async fn connect(
    url: &str,
    name: &str,
    wait: Duration,
) -> Result<Connection, ConnectionError> {
    sleep(wait).await;
    let mut uri: AMQPUri = url.parse().map_err(|_| ConnectionError::InvalidUrl)?;
    uri.query.heartbeat = Some(HEARTBEAT_SECONDS);
    uri.query.frame_max = Some(FRAME_MAX);
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    with_timeout(Connection::connect_uri(uri, properties)).await
}

/// Limits how long an operation may take: lapin itself waits for a frozen broker without limit.
pub(crate) async fn with_timeout<T>(
    operation: impl Future<Output = Result<T, lapin::Error>>,
) -> Result<T, ConnectionError> {
    let result = timeout(BROKER_TIMEOUT, operation)
        .await
        .map_err(|_| ConnectionError::Timeout)?;
    Ok(result?)
}

/// Closes a connection cleanly. Call it before dropping the channels: dropping closes them too, and
/// lapin reports the second close as an error.
pub(crate) async fn close(connection: &Connection) {
    if let Err(error) = with_timeout(connection.close(200, "done".into())).await {
        tracing::debug!(%error, "RabbitMQ connection not closed cleanly");
    }
}

/// Returns when the connection or the channel is no longer open. Polls the status, because lapin's
/// callbacks do not report every way in which a connection can end.
pub(crate) async fn closed(connection: &Connection, channel: &Channel) -> ConnectionError {
    let mut check = interval(CHECK_EVERY);
    while connection.status().connected() && channel.status().connected() {
        check.tick().await;
    }
    ConnectionError::Closed
}
