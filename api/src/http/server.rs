//! Accepts connections and serves each until it closes, times out, or the process shuts down.
//!
//! What clients can make the process hold is bounded: connections, the head of a request, and the time
//! in which a client sends a head and takes a response. `body` bounds bodies.

mod peers;

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::serve::{Listener, ListenerExt};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, SetOnce, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower_service::Service;

pub use self::peers::Peers;
use super::socket::Socket;

/// How long a connection may take to send the head of its next request, and so how long an idle one
/// stays open. Longer than most clients keep idle connections, so that the client closes first and
/// no request is sent on a connection that the server is closing.
const HEAD_TIME_MAX: Duration = Duration::from_secs(75);
/// How long a new connection may take to send the head of its first request.
const FIRST_HEAD_TIME_MAX: Duration = Duration::from_secs(15);
/// The largest head of a request, bytes. The refusal in `socket` states it.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How much of a request is buffered before it is read, and of a response before it is sent, bytes.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// How long a connection without a request may take to send one when the process shuts down.
const LAST_HEAD_TIME_MAX: Duration = Duration::from_millis(200);
/// How long the requests in flight may take to end when the process shuts down. A response is ready
/// within the time that a request waits for a payment's outcome.
const SHUTDOWN_TIME_MAX: Duration = Duration::from_secs(9);

/// The connections of all addresses that the process listens on.
#[derive(Clone)]
pub struct Connections {
    /// Each connection holds a permit; without one, clients wait in the kernel's backlog.
    pub all: Arc<Semaphore>,
    /// A connection beyond its address's share is closed.
    pub peers: Peers,
}

/// Serves `router` on `address` until `ending` is true, then finishes the requests in flight.
pub async fn on(
    address: SocketAddr,
    router: Router,
    connections: Connections,
    ending: watch::Receiver<bool>,
) -> anyhow::Result<JoinHandle<()>> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address}"))?;
    tracing::info!(%address, "listening");
    Ok(tokio::spawn(serve(listener, router, connections, ending)))
}

async fn serve(
    listener: TcpListener,
    router: Router,
    connections: Connections,
    mut ending: watch::Receiver<bool>,
) {
    // Each connection holds a sender, so nothing is received once all have ended.
    let (open, mut all_closed) = mpsc::channel::<()>(1);
    // With Nagle's algorithm a small response may wait for the client's delayed ACK.
    let mut listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let is_ending = ending.clone();
    let start = |permit, (stream, peer): (TcpStream, SocketAddr)| {
        let Some(counted) = connections.peers.count(peer.ip()) else {
            tracing::debug!(peer = %peer.ip(), "closed a connection, its address has too many");
            return;
        };
        let connection = serve_connection(stream, peer, router.clone(), is_ending.clone());
        let open = open.clone();
        tokio::spawn(async move {
            connection.await;
            drop((permit, counted, open));
        });
    };
    loop {
        let next = async {
            let permit = Arc::clone(&connections.all).acquire_owned().await;
            (permit, listener.accept().await)
        };
        tokio::select! {
            (permit, accepted) = next => start(permit.ok(), accepted),
            _ = ending.wait_for(|ending| *ending) => break,
        }
    }
    // Clients that are connected already may have sent a request.
    while let Ok(permit) = Arc::clone(&connections.all).try_acquire_owned()
        && let Ok(accepted) = timeout(Duration::ZERO, listener.accept()).await
    {
        start(Some(permit), accepted);
    }
    drop((listener, open));
    if timeout(SHUTDOWN_TIME_MAX, all_closed.recv()).await.is_err() {
        tracing::warn!("shutdown: some requests or responses did not end in time");
    }
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut ending: watch::Receiver<bool>,
) {
    let has_begun = Arc::new(SetOnce::new());
    let first = Arc::clone(&has_begun);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        // Fails on a later request.
        let _ = first.set(());
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        // A `Router` is always ready, so `poll_ready` is not called.
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(Socket::new(stream)), service);
    let mut connection = std::pin::pin!(connection);
    let too_late = async {
        if timeout(FIRST_HEAD_TIME_MAX, has_begun.wait()).await.is_ok() {
            pending::<()>().await;
        }
    };
    let shutdown = async {
        let _ = ending.wait_for(|ending| *ending).await;
        // Hyper would close a connection whose first request it has not read.
        let _ = timeout(LAST_HEAD_TIME_MAX, has_begun.wait()).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = too_late => {
            tracing::debug!("a client sent no request");
            return;
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a client connection failed");
    }
}

#[cfg(test)]
mod tests;
