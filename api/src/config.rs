//! What the process is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use ipnet::IpNet;
use url::Url;

/// The gateway's ears: HTTP in, HTTP out.
#[derive(Debug, Parser)]
#[command(name = "api")]
pub struct Config {
    /// The Postgres database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// The RabbitMQ broker.
    #[arg(long, env = "AMQP_URL", hide_env_values = true)]
    pub amqp_url: String,
    /// Where to listen; several addresses with commas.
    #[arg(
        long,
        env = "SLUICE_LISTEN",
        default_value = "127.0.0.1:8000",
        value_delimiter = ','
    )]
    pub listen: Vec<SocketAddr>,
    /// Where payers reach this process, `https://pay.example.com`; the first address it listens on
    /// if nobody says.
    #[arg(long, env = "SLUICE_PUBLIC_URL")]
    pub public_url: Option<Url>,
    /// The networks of the proxies in front, as `10.0.0.0/8`; several with commas. What they say in
    /// `X-Forwarded-For` of where a request comes from is believed.
    #[arg(long, env = "SLUICE_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpNet>,
    /// File of 64 hex digits: keys the fingerprints of requests.
    #[arg(long, env = "SLUICE_IDEMPOTENCY_KEY_FILE")]
    pub idempotency_key_file: PathBuf,
    /// File of 64 hex digits: webhook secrets are derived from it. The webhook worker has the same.
    #[arg(long, env = "SLUICE_WEBHOOK_KEY_FILE")]
    pub webhook_key_file: PathBuf,
    /// Let test-mode endpoints be on this machine, over plain http.
    #[arg(long, env = "SLUICE_WEBHOOK_LOCAL")]
    pub webhook_local: bool,
    /// How long a request waits for its payment's outcome, milliseconds, before it answers pending.
    #[arg(long, env = "SLUICE_WAIT_MS", default_value_t = 8_000)]
    pub wait_ms: u64,
    /// Connections to Postgres.
    #[arg(long, env = "SLUICE_DATABASE_CONNECTIONS", default_value_t = 16)]
    pub database_connections: u32,
}

impl Config {
    /// Where payers reach this process, without a slash at its end.
    pub fn public_url(&self) -> String {
        let own = || {
            self.listen
                .first()
                .map(|address| format!("http://{address}"))
        };
        let said = self.public_url.as_ref().map(Url::to_string);
        let url = said.or_else(own).unwrap_or_default();
        url.trim_end_matches('/').to_owned()
    }

    /// How long a request waits for its payment's outcome.
    pub const fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_ms)
    }
}
