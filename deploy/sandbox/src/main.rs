//! The world outside in test mode: an acquirer with its own append-only log,
//! and a webhook receiver.
//!
//! It links nothing of Sluice, so that it cannot share its mistakes.

mod acquirer;
mod answer;
mod book;
mod cards;
mod connection;
mod delivery;
mod desk;
mod log;
mod pace;
mod receivers;
mod request;
mod routes;
mod words;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{Router, extract::DefaultBodyLimit};
use clap::Parser;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use tracing_subscriber::EnvFilter;

use crate::{
    acquirer::Acquirer,
    connection::{Door, Hold},
    desk::Desk,
    pace::Pace,
};

const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long requests in flight may take after the signal to stop.
const GRACE: Duration = Duration::from_secs(2);

/// An acquirer for test mode, with a log of its own.
#[derive(Debug, Parser)]
#[command(version)]
struct Config {
    /// Where to listen; port 0 takes a free one and logs it
    #[arg(long, env = "SLUICE_SANDBOX_LISTEN", default_value = "127.0.0.1:9100")]
    listen: SocketAddr,
    /// The log of what was approved, captured, voided and refunded
    #[arg(long, env = "SLUICE_SANDBOX_LOG")]
    log: PathBuf,
    /// All delays in percent: 10 is ten times faster
    #[arg(long, env = "SLUICE_SANDBOX_PACE_PERCENT", default_value_t = 100)]
    pace_percent: u16,
}

/// One thread: the work is little, and its records batch by themselves.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let config = Config::parse();
    let desk = Arc::new(open(&config)?);
    let listener = TcpListener::bind(config.listen)
        .await
        .context("cannot listen")?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    tokio::select! {
        broken = desk.write() => broken.context("the log cannot be written"),
        served = serve(listener, router(Arc::clone(&desk), config.log)) => served,
    }
}

fn open(config: &Config) -> anyhow::Result<Desk> {
    let (file, book, last_seq) = log::open(&config.log)
        .with_context(|| format!("cannot open the log {}", config.log.display()))?;
    tracing::info!(
        last_seq,
        authorizations = book.authorizations.len(),
        "the log was read"
    );
    let pace = Pace(config.pace_percent);
    Ok(Desk::new(Acquirer::new(book, last_seq, pace), file, pace))
}

fn router(desk: Arc<Desk>, log: PathBuf) -> Router {
    routes::acquirer(desk)
        .merge(routes::log(log))
        .merge(routes::health())
        .merge(receivers::routes())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// Serves until told to stop; silent and slow cards may not hold up the end.
async fn serve(listener: TcpListener, router: Router) -> anyhow::Result<()> {
    let service = router.into_make_service_with_connect_info::<Hold>();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(Door(listener), service)
        .with_graceful_shutdown(async { stopped.await.unwrap_or_default() });
    let ending = async {
        told_to_stop().await?;
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

async fn told_to_stop() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
