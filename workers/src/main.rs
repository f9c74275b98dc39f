//! The worker process: one binary, one command for each worker.

use clap::Parser;

// One thread: a worker waits for others most of the time, and each hand-over between threads costs it
// more than it gains. To use more cores run more of them.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // lapin logs each failure itself, several lines a try; the queue crate says it once.
    let default = || "info,lapin=off".into();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| default()),
        )
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another TLS provider is installed"))?;
    workers::run(workers::config::Config::parse()).await
}
