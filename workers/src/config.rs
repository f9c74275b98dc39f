//! What the process is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// The gateway's hands: one binary, one command for each worker.
#[derive(Debug, Parser)]
#[command(name = "workers")]
pub struct Config {
    /// Which worker.
    #[command(subcommand)]
    pub command: Command,
}

/// The workers.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Rings for what the calendar says is due. Any number may run.
    Scheduler(Process),
    /// Authorizes and captures card payments.
    Card(Card),
    /// Gives captured money back.
    Refund(Refund),
    /// Delivers webhooks.
    Webhook(Webhook),
}

/// What every process needs.
#[derive(Debug, Args)]
pub struct Process {
    /// The Postgres database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// The RabbitMQ broker.
    #[arg(long, env = "AMQP_URL", hide_env_values = true)]
    pub amqp_url: String,
    /// Where `/livez` and `/readyz` are.
    #[arg(long, env = "SLUICE_HEALTH_LISTEN", default_value = "127.0.0.1:0")]
    pub health_listen: SocketAddr,
}

/// What every worker with a queue needs.
#[derive(Debug, Args)]
pub struct Shared {
    /// What every process needs.
    #[command(flatten)]
    pub process: Process,
    /// How many jobs are worked on at the same time.
    #[arg(long, env = "SLUICE_CONCURRENCY", default_value_t = 64)]
    pub concurrency: u16,
    /// Connections to Postgres.
    #[arg(long, env = "SLUICE_DATABASE_CONNECTIONS", default_value_t = 12)]
    pub database_connections: u32,
}

/// What the card worker needs.
#[derive(Debug, Args)]
pub struct Card {
    /// What every worker needs.
    #[command(flatten)]
    pub shared: Shared,
    /// Whom it asks.
    #[command(flatten)]
    pub acquiring: Acquiring,
    /// Folder of the private sealing keys and the fingerprint key; all card workers share it.
    #[arg(long, env = "SLUICE_CARD_KEYS_DIR")]
    pub keys_dir: PathBuf,
}

/// What the refund worker needs.
#[derive(Debug, Args)]
pub struct Refund {
    /// What every worker needs.
    #[command(flatten)]
    pub shared: Shared,
    /// Whom it asks.
    #[command(flatten)]
    pub acquiring: Acquiring,
}

/// What every worker that asks acquirers needs.
#[derive(Debug, Args)]
pub struct Acquiring {
    /// The sandbox acquirer, for test mode.
    #[arg(long, env = "SLUICE_SANDBOX_URL")]
    pub sandbox_url: String,
    /// How long an acquirer's answer is waited for, milliseconds; less than a job's lease.
    #[arg(long, env = "SLUICE_ACQUIRER_TIMEOUT_MS", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(1..=15_000))]
    pub acquirer_timeout_ms: u64,
}

impl Acquiring {
    /// How long an acquirer's answer is waited for.
    pub const fn timeout(&self) -> Duration {
        Duration::from_millis(self.acquirer_timeout_ms)
    }
}

/// What the webhook worker needs.
#[derive(Debug, Args)]
pub struct Webhook {
    /// What every worker needs.
    #[command(flatten)]
    pub shared: Shared,
    /// File of 64 hex digits: webhook secrets are derived from it. The API has the same.
    #[arg(long, env = "SLUICE_WEBHOOK_KEY_FILE")]
    pub webhook_key_file: PathBuf,
    /// Let test-mode endpoints be on this machine, over plain http.
    #[arg(long, env = "SLUICE_WEBHOOK_LOCAL")]
    pub webhook_local: bool,
}
