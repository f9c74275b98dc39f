//! The external systems of test mode: an acquirer with its own append-only log, and a webhook
//! receiver.
//!
//! It uses no other crate of Sluice, so that the two cannot share a bug.

mod acquirer;
mod cards;
mod connection;
mod faults;
mod fields;
mod ledger;
mod log;
mod receivers;
mod request;
mod response;
mod routes;
mod shared;
mod time_scale;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::map_request,
};
use clap::Parser;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use tracing_subscriber::EnvFilter;

use crate::{
    acquirer::Acquirer,
    connection::{ConnectionHandle, ConnectionListener},
    shared::SharedAcquirer,
    time_scale::TimeScale,
};

const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long requests in flight may take after a stop signal.
const GRACE: Duration = Duration::from_secs(2);

/// An acquirer and a webhook receiver for test mode
#[derive(Debug, Parser)]
#[command(version)]
struct Config {
    /// Address to listen on; port 0 uses a free port and logs it
    #[arg(long, env = "SLUICE_SANDBOX_LISTEN", default_value = "127.0.0.1:9100")]
    listen: SocketAddr,
    /// File that records approvals, declines, captures, voids and refunds
    #[arg(long, env = "SLUICE_SANDBOX_LOG")]
    log: PathBuf,
    /// Length of all delays in percent; 10 is ten times faster
    #[arg(long, env = "SLUICE_SANDBOX_PACE_PERCENT", default_value_t = 100)]
    pace_percent: u16,
    /// How long every response of the acquirer takes in addition, milliseconds
    #[arg(long, env = "SLUICE_SANDBOX_LATENCY_MS", default_value_t = 0)]
    latency_ms: u64,
}

/// One thread is enough, and lets records of concurrent requests be written together.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let config = Config::parse();
    let acquirer = Arc::new(open(&config)?);
    let listener = TcpListener::bind(config.listen)
        .await
        .context("cannot listen")?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    tokio::select! {
        result = acquirer.write() => result.context("cannot write the log"),
        served = serve(listener, router(Arc::clone(&acquirer), &config)) => served,
    }
}

fn open(config: &Config) -> anyhow::Result<SharedAcquirer> {
    let (file, ledger, last_seq) = log::open(&config.log)
        .with_context(|| format!("cannot open the log {}", config.log.display()))?;
    tracing::info!(
        last_seq,
        authorizations = ledger.authorizations.len(),
        "replayed the log"
    );
    let time_scale = TimeScale(config.pace_percent);
    Ok(SharedAcquirer::new(
        Acquirer::new(ledger, last_seq, time_scale),
        file,
        time_scale,
    ))
}

fn router(acquirer: Arc<SharedAcquirer>, config: &Config) -> Router {
    let latency = Duration::from_millis(config.latency_ms);
    routes::acquirer(acquirer)
        .layer(map_request(move |request: Request| async move {
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            request
        }))
        .merge(routes::log(config.log.clone()))
        .merge(routes::health())
        .merge(receivers::routes())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// Serves until a stop signal. Requests in flight then have only 2 s to complete, because slow and
/// silent cards would delay the exit.
async fn serve(listener: TcpListener, router: Router) -> anyhow::Result<()> {
    let service = router.into_make_service_with_connect_info::<ConnectionHandle>();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(ConnectionListener(listener), service)
        .with_graceful_shutdown(async { stopped.await.unwrap_or_default() });
    let ending = async {
        stop_signal().await?;
        tracing::info!("stopping");
        drop(stop);
        tokio::time::sleep(GRACE).await;
        anyhow::Ok(())
    };
    tokio::select! {
        served = serving.into_future() => Ok(served?),
        ended = ending => ended,
    }
}

async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
