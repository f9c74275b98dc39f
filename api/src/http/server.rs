//! Accepts connections and serves each until it closes, times out, or the process shuts down.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::serve::{Listener, ListenerExt};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower_service::Service;

/// How long a connection may take to send the head of its next request, and so how long an idle one
/// stays open. Longer than most clients keep idle connections, so that the client closes first and
/// no request is sent on a connection that the server is closing.
const HEAD_TIME_MAX: Duration = Duration::from_secs(75);

/// Serves `router` on `address` until `ending` is true, then finishes the requests in flight.
pub async fn on(
    address: SocketAddr,
    router: Router,
    ending: watch::Receiver<bool>,
) -> anyhow::Result<JoinHandle<()>> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address}"))?;
    tracing::info!(%address, "listening");
    Ok(tokio::spawn(serve(listener, router, ending)))
}

async fn serve(listener: TcpListener, router: Router, mut ending: watch::Receiver<bool>) {
    let in_flight = GracefulShutdown::new();
    // With Nagle's algorithm a small response may wait for the client's delayed ACK.
    let mut listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    loop {
        let (stream, peer) = tokio::select! {
            connection = listener.accept() => connection,
            _ = ending.wait_for(|ending| *ending) => break,
        };
        let router = router.clone();
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            // A `Router` is always ready, so `poll_ready` is not called.
            router.clone().call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let connection = in_flight.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a client connection failed");
            }
        });
    }
    drop(listener);
    in_flight.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::time::{Instant, timeout};

    // `start_paused` advances the clock whenever all tasks are idle.
    #[tokio::test(start_paused = true)]
    async fn who_never_ends_a_head_is_cut_off() -> anyhow::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (_end, ending) = watch::channel(false);
        tokio::spawn(serve(listener, Router::new(), ending));

        let started = Instant::now();
        let mut slow = TcpStream::connect(address).await?;
        slow.write_all(b"GET / HTTP/1.1\r\nHost: ").await?;
        let mut response = Vec::new();
        timeout(HEAD_TIME_MAX * 2, slow.read_to_end(&mut response)).await??;
        assert!(response.is_empty());
        assert!(started.elapsed() >= HEAD_TIME_MAX);
        Ok(())
    }
}
