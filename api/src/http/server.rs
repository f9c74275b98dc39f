//! Accepts connections and serves each until it closes, times out, or the process shuts down.
//!
//! What clients can make the process hold is bounded: connections, the head of a request, and the time
//! in which a client sends a head and takes a response. `body` bounds bodies.

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
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower_service::Service;

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
/// How long the requests in flight may take to end when the process shuts down. A response is ready
/// within the time that a request waits for a payment's outcome.
const SHUTDOWN_TIME_MAX: Duration = Duration::from_secs(9);

/// Serves `router` on `address` until `ending` is true, then finishes the requests in flight. Each
/// connection holds a permit of `connections`; without one, clients wait in the kernel's backlog.
pub async fn on(
    address: SocketAddr,
    router: Router,
    connections: Arc<Semaphore>,
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
    connections: Arc<Semaphore>,
    mut ending: watch::Receiver<bool>,
) {
    let in_flight = GracefulShutdown::new();
    // With Nagle's algorithm a small response may wait for the client's delayed ACK.
    let mut listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    loop {
        let next = async {
            let permit = Arc::clone(&connections).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, (stream, peer)) = tokio::select! {
            next = next => next,
            _ = ending.wait_for(|ending| *ending) => break,
        };
        let (router, watcher) = (router.clone(), in_flight.watcher());
        tokio::spawn(async move {
            let _permit = permit;
            serve_connection(stream, peer, router, watcher).await;
        });
    }
    drop(listener);
    if timeout(SHUTDOWN_TIME_MAX, in_flight.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("shutdown: some requests or responses did not end in time");
    }
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, router: Router, watcher: Watcher) {
    let first = Arc::new(Notify::new());
    let has_begun = Arc::clone(&first);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        has_begun.notify_one();
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
    let too_late = async {
        if timeout(FIRST_HEAD_TIME_MAX, first.notified()).await.is_ok() {
            pending::<()>().await;
        }
    };
    tokio::select! {
        ended = watcher.watch(connection) => if let Err(error) = ended {
            tracing::debug!(%error, "a client connection failed");
        },
        () = too_late => tracing::debug!("a client sent no request"),
    }
}

#[cfg(test)]
mod tests;
