//! Connection settings.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use reqwest::Url;
use store::failure::Failure;
use store::{PgPool, key_file};
use wire::signature::Key;

use crate::failure::{Address, explained};

/// Written by `make up`: addresses and keys of the gateway in this checkout.
const SANDBOX_ENV: &str = ".local/sandbox.env";

const NO_DATABASE: &str = "no database: set DATABASE_URL, or run `make up` here first";

#[derive(Debug, Args)]
pub struct Database {
    /// URL of the Postgres database, with your own login (`sluice operator add`) or that of
    /// `sluice_operator`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// The same URL, in the variable that `make up` sets.
    #[arg(long, env = "SLUICE_DATABASE_URL", hide_env_values = true, hide = true)]
    local_database_url: Option<String>,
}

impl Database {
    /// Opens a pool under the operator's role, and checks that the database answers.
    pub async fn connect(&self) -> anyhow::Result<PgPool> {
        let url = self.url()?;
        answering(url, store::connect_operator(url)).await
    }

    /// Opens a pool under the role that only reads, and checks that the database answers.
    pub async fn connect_reports(&self) -> anyhow::Result<PgPool> {
        let url = self.url()?;
        answering(url, store::connect_reports(url)).await
    }

    fn url(&self) -> anyhow::Result<&str> {
        let url = self.database_url.as_deref();
        let url = url.or(self.local_database_url.as_deref());
        url.context(NO_DATABASE)
    }
}

/// The key from which webhook secrets are derived.
#[derive(Debug, Args)]
pub struct WebhookKey {
    /// File of 64 hex digits from which webhook secrets are derived; the same as for the API and
    /// the webhook worker
    #[arg(
        long,
        env = "SLUICE_WEBHOOK_KEY_FILE",
        default_value = ".local/secrets/webhook.key"
    )]
    webhook_key_file: PathBuf,
}

impl WebhookKey {
    /// Reads the file.
    pub fn read(&self) -> anyhow::Result<Key> {
        Ok(Key::new(*key_file::read(&self.webhook_key_file)?))
    }
}

/// The database with the login of the tables' owner, who may create logins.
#[derive(Debug, Args)]
pub struct OwnersDatabase {
    /// URL of the Postgres database, with the login of the tables' owner.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// The same URL, in the variable that `make up` sets.
    #[arg(
        long,
        env = "SLUICE_OWNER_DATABASE_URL",
        hide_env_values = true,
        hide = true
    )]
    local_database_url: Option<String>,
}

impl OwnersDatabase {
    /// The URL.
    pub fn url(&self) -> anyhow::Result<&str> {
        let url = self.database_url.as_deref();
        let url = url.or(self.local_database_url.as_deref());
        url.context(NO_DATABASE)
    }

    /// Opens a pool as the owner, and checks that the database answers.
    pub async fn connect(&self) -> anyhow::Result<PgPool> {
        let url = self.url()?;
        answering(url, store::connect_owner(url)).await
    }
}

async fn answering(url: &str, opened: store::Result<PgPool>) -> anyhow::Result<PgPool> {
    let checked = async {
        let db = opened?;
        store::ping(&db).await?;
        Ok::<_, store::Error>(db)
    };
    checked.await.map_err(|error| match Failure::of(&error) {
        Some(failure) => anyhow!(explained(&failure, &Address::of(url))),
        None => error.into(),
    })
}

#[derive(Debug, Args)]
pub struct Broker {
    /// URL of the RabbitMQ broker.
    #[arg(long, env = "AMQP_URL", hide_env_values = true)]
    amqp_url: Option<String>,
    /// The same URL, in the variable that `make up` sets.
    #[arg(long, env = "SLUICE_AMQP_URL", hide_env_values = true, hide = true)]
    local_amqp_url: Option<String>,
}

impl Broker {
    /// The URL, if one is set.
    pub fn url(&self) -> Option<&str> {
        let url = self.amqp_url.as_deref();
        url.or(self.local_amqp_url.as_deref())
    }
}

/// Host and port of a URL, without its login.
pub fn host(url: &str) -> String {
    let Ok(url) = Url::parse(url) else {
        return "its address".to_owned();
    };
    let host = url.host_str().unwrap_or("localhost");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Reads missing environment variables from `.local/sandbox.env`. Does nothing if `DATABASE_URL` is
/// set: it may belong to another gateway than this checkout's, and mixing their settings would be
/// wrong.
pub fn read_sandbox_env() {
    if env::var_os("DATABASE_URL").is_none() {
        // The file exists only where `make up` ran.
        let _ = dotenvy::from_path(SANDBOX_ENV);
    }
}
