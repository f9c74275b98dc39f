//! `sluice migrate`: the only command that logs in as the owner of the tables.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

#[derive(Debug, Args)]
pub struct Migrate {
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
    /// Folder with the password of each role, in files named `sluice_card.password` and so on.
    /// Without it, the roles' logins stay as they are.
    #[arg(long, env = "SLUICE_ROLE_PASSWORDS_DIR")]
    role_passwords_dir: Option<PathBuf>,
}

pub async fn run(migrate: &Migrate) -> anyhow::Result<()> {
    let url = migrate.database_url.as_deref();
    let url = url.or(migrate.local_database_url.as_deref());
    let url = url.context("no database: set DATABASE_URL, or run `make up` here first")?;
    let db = store::connect_owner(url)?;
    store::migrate(&db).await?;
    if let Some(dir) = &migrate.role_passwords_dir {
        store::allow_logins(&db, dir).await?;
    }
    Ok(())
}
