//! The worker process: one binary, one command for each worker.

use std::process::ExitCode;

use clap::Parser;
use telemetry::logs;
use workers::config::Config;

// One thread: a worker mostly waits for I/O, and moving tasks between threads would cost more than it
// gains. To use more cores, run more processes.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = Config::parse();
    // lapin logs several lines for each failed try; the queue crate logs each failure once.
    logs::start(config.log.log_format, "info,lapin=off");
    logs::exit_code(run(config).await)
}

async fn run(config: Config) -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another TLS provider is installed"))?;
    workers::run(config).await
}
