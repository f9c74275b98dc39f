//! A session with the broker, built anew whenever anything at all goes wrong with it.

use std::future::Future;
use std::time::Duration;

use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties};
use tokio::time::{Instant, interval, sleep, timeout};

use crate::Health;

/// How long the broker may take to answer anything.
pub(crate) const BROKER_TIMEOUT: Duration = Duration::from_secs(5);

const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
const HEARTBEAT_SECONDS: u16 = 10;
const CHECK_EVERY: Duration = Duration::from_millis(500);

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    /// Carries no text: it might show the password.
    #[error("the broker's address is not an AMQP URL")]
    Address,
    #[error("the broker did not answer in time")]
    Silent,
    #[error("the connection, channel or consumer is gone")]
    Gone,
    #[error("a job's queue is gone")]
    Unroutable,
    #[error(transparent)]
    Broker(#[from] lapin::Error),
}

/// What is done with a connection.
pub(crate) trait Session: Send + 'static {
    /// Works until it is asked to end (`Ok`) or the session is lost.
    fn run(&mut self, connection: &Connection) -> impl Future<Output = Result<(), Lost>> + Send;

    /// What to do while there is no connection; ends when asked to end.
    fn idle(&mut self) -> impl Future<Output = ()> + Send;
}

/// Keeps a session going in the background until it is asked to end. The broker shows its
/// connection under `name`.
pub(crate) fn start(url: &str, name: &str, health: &Health, session: impl Session) {
    tokio::spawn(supervise(
        url.to_owned(),
        name.to_owned(),
        health.clone(),
        session,
    ));
}

async fn supervise(url: String, name: String, health: Health, mut session: impl Session) {
    let mut wait = Duration::ZERO;
    let mut warned = false;
    loop {
        let connected = tokio::select! {
            biased;
            connected = connect(&url, &name, wait) => connected,
            () = session.idle() => return,
        };
        let started = Instant::now();
        let lost = match connected {
            Ok(connection) => match session.run(&connection).await {
                Ok(()) => return health.set_connected(false),
                Err(lost) => lost,
            },
            Err(lost) => lost,
        };
        // One warning for each absence of the broker, not for each try.
        warned &= !health.is_connected();
        health.set_connected(false);
        if warned {
            tracing::debug!(name, error = %lost, "still no broker session");
        } else {
            tracing::warn!(name, error = %lost, "broker session lost, trying again");
            warned = true;
        }
        if started.elapsed() > BACKOFF_MAX {
            wait = Duration::ZERO;
        }
        wait = (wait * 2).clamp(BACKOFF_MIN, BACKOFF_MAX);
    }
}

async fn connect(url: &str, name: &str, wait: Duration) -> Result<Connection, Lost> {
    sleep(wait).await;
    let mut uri: AMQPUri = url.parse().map_err(|_| Lost::Address)?;
    uri.query.heartbeat = Some(HEARTBEAT_SECONDS);
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    within(Connection::connect_uri(uri, properties)).await
}

/// Waits for the broker's answer, but not for ever: a frozen broker leaves lapin hanging.
pub(crate) async fn within<T>(
    answer: impl Future<Output = Result<T, lapin::Error>>,
) -> Result<T, Lost> {
    let answer = timeout(BROKER_TIMEOUT, answer)
        .await
        .map_err(|_| Lost::Silent)?;
    Ok(answer?)
}

/// Ends a session in good order. Close before the channels are dropped: they close themselves too,
/// and lapin takes the second close for an error.
pub(crate) async fn close(connection: &Connection) {
    if let Err(error) = within(connection.close(200, "done".into())).await {
        tracing::debug!(%error, "the broker session was not closed in order");
    }
}

/// Ends when the channel does. Looks rather than listens: no way of dying can be missed.
pub(crate) async fn gone(connection: &Connection, channel: &Channel) -> Lost {
    let mut check = interval(CHECK_EVERY);
    while connection.status().connected() && channel.status().connected() {
        check.tick().await;
    }
    Lost::Gone
}
