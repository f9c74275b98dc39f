//! Connection settings.

use std::env;

use anyhow::Context;
use clap::Args;
use store::PgPool;

/// Written by `make up`: addresses and keys of the gateway in this checkout.
const SANDBOX_ENV: &str = ".local/sandbox.env";

#[derive(Debug, Args)]
pub struct Database {
    /// URL of the Postgres database, with the login of `sluice_operator`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// The same URL, in the variable that `make up` sets.
    #[arg(long, env = "SLUICE_DATABASE_URL", hide_env_values = true, hide = true)]
    local_database_url: Option<String>,
}

impl Database {
    /// Opens a pool under the operator's role.
    pub fn connect(&self) -> anyhow::Result<PgPool> {
        Ok(store::connect_operator(self.url()?)?)
    }

    /// Opens a pool under the role that only reads.
    pub fn connect_reports(&self) -> anyhow::Result<PgPool> {
        Ok(store::connect_reports(self.url()?)?)
    }

    fn url(&self) -> anyhow::Result<&str> {
        let url = self.database_url.as_deref();
        let url = url.or(self.local_database_url.as_deref());
        url.context("no database: set DATABASE_URL, or run `make up` here first")
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
