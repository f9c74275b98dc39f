//! The API process.

use clap::Parser;

// One thread, as in the workers: moving tasks between threads costs more than it gains. To use more
// cores, run more processes.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    api::serve(api::config::Config::parse()).await
}
