//! The internal listener of a process: `/livez`, `/readyz` and `/metrics`, for probes and scrapes.
//!
//! What it costs is bounded: connections at a time, and the time and the number of requests of each.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tower_service::Service as _;

use crate::metrics::{self, MEDIA_TYPE};

/// Connections at a time; more wait in the kernel's backlog.
const CONNECTIONS_MAX: usize = 16;
/// How long a connection may last. Each serves one request.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(10);

/// Serves in the background. `ready` returns `Err` with the reason if the process cannot work. `sample` runs
/// before each scrape and sets what is read from memory only then.
pub async fn serve<R>(
    address: SocketAddr,
    ready: impl Fn() -> R + Clone + Send + Sync + 'static,
    sample: impl Fn() + Clone + Send + Sync + 'static,
) -> anyhow::Result<()>
where
    R: Future<Output = Result<(), &'static str>> + Send,
{
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address} for health and metrics"))?;
    tracing::info!(address = %listener.local_addr()?, "serving health and metrics");
    let ready = move || {
        let ready = ready();
        async move {
            match ready.await {
                Ok(()) => (StatusCode::OK, "ok"),
                Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
            }
        }
    };
    let scrape = move || {
        sample();
        std::future::ready(([(CONTENT_TYPE, MEDIA_TYPE)], metrics::text()))
    };
    let router = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(scrape));
    tokio::spawn(accept(listener, router));
    Ok(())
}

async fn accept(listener: TcpListener, router: Router) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = serve_one(stream, router.clone());
                tokio::spawn(async move {
                    // A client that is too slow, or closes early, gets nothing.
                    let _ = timeout(CONNECTION_TIME_MAX, connection).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection for health and metrics");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn serve_one(stream: TcpStream, router: Router) -> hyper::Result<()> {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        router.clone().call(request.map(Body::new))
    });
    http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Clients that send nothing hold back others only while they are as many as may connect.
    #[tokio::test]
    async fn connections_at_a_time_are_bounded() -> anyhow::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new().route("/", get(|| async { "ok" }));
        tokio::spawn(accept(listener, router));
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            silent.push(TcpStream::connect(address).await?);
        }
        let mut next = TcpStream::connect(address).await?;
        next.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await?;
        let mut response = Vec::new();
        let early = timeout(Duration::from_millis(200), next.read_buf(&mut response)).await;
        assert!(early.is_err(), "served too many at a time");
        silent.pop();
        next.read_to_end(&mut response).await?;
        assert!(response.starts_with(b"HTTP/1.1 200 "));
        Ok(())
    }
}
