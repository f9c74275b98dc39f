//! Command-line arguments and environment variables.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use store::retention::{self, EVENTS_DAYS, EVENTS_DAYS_MIN};
use telemetry::logs::LogFormat;

use crate::runtime::shares::Shares;

/// Sluice's workers: one command for each.
#[derive(Debug, Parser)]
#[command(name = "workers")]
pub struct Config {
    /// The worker to run.
    #[command(subcommand)]
    pub command: Command,
    /// The format of the log.
    #[command(flatten)]
    pub log: LogFormat,
}

/// The workers.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Publishes due jobs and deletes expired rows. Any number may run.
    Scheduler(Scheduler),
    /// Authorizes and captures card payments.
    Card(Card),
    /// Refunds captured payments.
    Refund(Refund),
    /// Delivers webhooks.
    Webhook(Webhook),
}

/// What every process needs.
#[derive(Debug, Args)]
pub struct Process {
    /// URL of the Postgres database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// URL of the RabbitMQ broker.
    #[arg(long, env = "AMQP_URL", hide_env_values = true)]
    pub amqp_url: String,
    /// Address to serve `/livez`, `/readyz` and `/metrics` on. Keep it internal.
    #[arg(long, env = "SLUICE_HEALTH_LISTEN", default_value = "127.0.0.1:0")]
    pub health_listen: SocketAddr,
}

/// What the scheduler needs.
#[derive(Debug, Args)]
pub struct Scheduler {
    /// What every process needs.
    #[command(flatten)]
    pub process: Process,
    /// How many days events and their deliveries are kept.
    #[arg(long, env = "SLUICE_EVENT_RETENTION_DAYS", default_value_t = EVENTS_DAYS,
          value_parser = clap::value_parser!(u64).range(EVENTS_DAYS_MIN..=3650))]
    pub event_retention_days: u64,
}

impl Scheduler {
    /// How long events and their deliveries are kept.
    pub const fn event_retention(&self) -> Duration {
        retention::days(self.event_retention_days)
    }
}

/// What every worker with a queue needs.
#[derive(Debug, Args)]
pub struct Shared {
    /// What every process needs.
    #[command(flatten)]
    pub process: Process,
    /// How many jobs run at the same time in each mode, test or live.
    #[arg(long, env = "SLUICE_CONCURRENCY", default_value_t = 128, value_parser = clap::value_parser!(u16).range(2..=4096))]
    pub concurrency: u16,
    /// The most connections to Postgres.
    #[arg(long, env = "SLUICE_DATABASE_CONNECTIONS", default_value_t = 12)]
    pub database_connections: u32,
}

impl Shared {
    /// How many messages are in the process: in each mode those of running jobs, and twice as many that wait
    /// for a slot or are being claimed.
    pub const fn prefetch(&self) -> u16 {
        self.concurrency * 6
    }

    /// The slots of the worker's jobs.
    pub fn slots(&self) -> Shares {
        Shares::new(usize::from(self.concurrency))
    }
}

/// What the card worker needs.
#[derive(Debug, Args)]
pub struct Card {
    /// What every worker needs.
    #[command(flatten)]
    pub shared: Shared,
    /// The acquirers.
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
    /// The acquirers.
    #[command(flatten)]
    pub acquiring: Acquiring,
}

/// What every worker that calls acquirers needs.
#[derive(Debug, Args)]
pub struct Acquiring {
    /// URL of the sandbox acquirer, for test mode.
    #[arg(long, env = "SLUICE_SANDBOX_URL")]
    pub sandbox_url: String,
    /// How long to wait for an acquirer's response, milliseconds; less than a job's lease.
    #[arg(long, env = "SLUICE_ACQUIRER_TIMEOUT_MS", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(1..=15_000))]
    pub acquirer_timeout_ms: u64,
}

impl Acquiring {
    /// How long to wait for an acquirer's response.
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
    /// File of 64 hex digits from which webhook secrets are derived; the API must use the same key.
    #[arg(long, env = "SLUICE_WEBHOOK_KEY_FILE")]
    pub webhook_key_file: PathBuf,
    /// Allow test-mode endpoints on this machine, over plain HTTP.
    #[arg(long, env = "SLUICE_WEBHOOK_LOCAL")]
    pub webhook_local: bool,
}
