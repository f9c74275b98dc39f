//! `sluice migrate`: logs in as the owner of the tables.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use store::migrations::{self, MIGRATIONS};

use crate::config::OwnersDatabase;

#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    database: OwnersDatabase,
    /// Folder with the password of each role, in files named `sluice_card.password` and so on.
    /// Without it, the roles' logins stay as they are.
    #[arg(long, env = "SLUICE_ROLE_PASSWORDS_DIR")]
    role_passwords_dir: Option<PathBuf>,
    /// How many seconds to try to get the locks of a migration before giving up.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    lock_wait_seconds: u64,
}

pub async fn run(migrate: &Migrate) -> anyhow::Result<()> {
    let db = migrate.database.connect().await?;
    let patience = Duration::from_secs(migrate.lock_wait_seconds);
    migrations::apply(&db, &MIGRATIONS, patience, |line| println!("{line}")).await?;
    if let Some(dir) = &migrate.role_passwords_dir {
        store::allow_logins(&db, dir).await?;
    }
    Ok(())
}
