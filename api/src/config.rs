//! Settings from arguments and environment variables.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use ipnet::IpNet;
use telemetry::logs::LogFormat;
use url::Url;

/// The gateway's HTTP API.
#[derive(Debug, Parser)]
#[command(name = "api")]
pub struct Config {
    /// URL of the Postgres database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// URL of the RabbitMQ broker.
    #[arg(long, env = "AMQP_URL", hide_env_values = true)]
    pub amqp_url: String,
    /// Addresses to listen on, separated by commas.
    #[arg(
        long,
        env = "SLUICE_LISTEN",
        default_value = "127.0.0.1:8000",
        value_delimiter = ','
    )]
    pub listen: Vec<SocketAddr>,
    /// Address to serve `/livez`, `/readyz` and `/metrics` on. Keep it internal.
    #[arg(long, env = "SLUICE_HEALTH_LISTEN", default_value = "127.0.0.1:0")]
    pub health_listen: SocketAddr,
    /// URL where payers reach this process, such as `https://pay.example.com`; by default, the
    /// first address it listens on.
    #[arg(long, env = "SLUICE_PUBLIC_URL")]
    pub public_url: Option<Url>,
    /// Networks of the proxies in front, such as `10.0.0.0/8`, separated by commas. Only addresses
    /// that these proxies append to `X-Forwarded-For` are trusted.
    #[arg(long, env = "SLUICE_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpNet>,
    /// File of 64 hex digits: the HMAC key of request fingerprints.
    #[arg(long, env = "SLUICE_IDEMPOTENCY_KEY_FILE")]
    pub idempotency_key_file: PathBuf,
    /// File of 64 hex digits to derive webhook secrets from. The webhook worker needs the same.
    #[arg(long, env = "SLUICE_WEBHOOK_KEY_FILE")]
    pub webhook_key_file: PathBuf,
    /// Allow test-mode endpoints on this machine, over plain http.
    #[arg(long, env = "SLUICE_WEBHOOK_LOCAL")]
    pub webhook_local: bool,
    /// How long a request waits for its payment's outcome before the response is pending,
    /// milliseconds.
    #[arg(long, env = "SLUICE_WAIT_MS", default_value_t = 8_000)]
    pub wait_ms: u64,
    /// Maximum number of connections from clients; more wait until one is closed. Keep it below the
    /// process's limit of open files. One address may have a quarter of them, unless it is a trusted proxy
    /// or this machine.
    #[arg(long, env = "SLUICE_CONNECTIONS", default_value_t = 960,
          value_parser = clap::value_parser!(u16).range(4..))]
    pub connections: u16,
    /// Maximum number of connections to Postgres.
    #[arg(long, env = "SLUICE_DATABASE_CONNECTIONS", default_value_t = 16)]
    pub database_connections: u32,
    /// The format of the log.
    #[command(flatten)]
    pub log: LogFormat,
}

impl Config {
    /// URL where payers reach this process, without a trailing slash.
    pub fn public_url(&self) -> String {
        let own = self.listen.first();
        let own = || own.map(|address| format!("http://{address}"));
        let configured = self.public_url.as_ref().map(Url::to_string);
        let url = configured.or_else(own).unwrap_or_default();
        url.trim_end_matches('/').to_owned()
    }

    /// How many requests of the surfaces may be in progress: three quarters of the connections. The rest
    /// are for responding 503.
    pub fn requests(&self) -> usize {
        usize::from(self.connections) * 3 / 4
    }

    /// How long a request waits for its payment's outcome.
    pub const fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_ms)
    }
}
