//! Where things are.

use std::env;

use anyhow::Context;
use clap::Args;
use store::PgPool;

/// What `make up` wrote for whoever works in the checkout.
const SANDBOX_ENV: &str = ".local/sandbox.env";

/// The database.
#[derive(Debug, Args)]
pub struct Database {
    /// The Postgres database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// As `make up` names it.
    #[arg(long, env = "SLUICE_DATABASE_URL", hide_env_values = true, hide = true)]
    local_database_url: Option<String>,
}

impl Database {
    /// A small pool on it.
    pub fn connect(&self) -> anyhow::Result<PgPool> {
        let url = self
            .database_url
            .as_ref()
            .or(self.local_database_url.as_ref());
        let url = url.context("no database: set DATABASE_URL, or run `make up` here first")?;
        Ok(store::connect_for_reports(url, "sluice operator")?)
    }
}

/// Takes what the environment does not say from `.local/sandbox.env`, unless it names a database,
/// and so another gateway than the one in this checkout.
pub fn read_sandbox_env() {
    if env::var_os("DATABASE_URL").is_none() {
        // Not there in most places, and then nothing is taken.
        let _ = dotenvy::from_path(SANDBOX_ENV);
    }
}
