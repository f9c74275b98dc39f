//! The worker process: one binary, one command for each worker.

use clap::Parser;

// One thread: a worker mostly waits for I/O, and moving tasks between threads would cost more than it
// gains. To use more cores, run more processes.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // lapin logs several lines for each failed try; the queue crate logs each failure once.
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
