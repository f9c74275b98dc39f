//! A checkout that was deleted without `make clean`, and cloned again at the same place.

use std::fs::{DirBuilder, remove_dir_all};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use anyhow::{Result, ensure};
use tokio::process::Command;

async fn stores(command: &str, dir: &Path) -> Result<()> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/local/stores.sh");
    let done = Command::new(script).arg(command).arg(dir).output().await?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "stores.sh {command}: {said}");
    Ok(())
}

// Where nobody else may pass, as below /root, the data lies outside of the checkout and outlives it.
#[tokio::test]
async fn postgres_starts_where_another_checkout_was_deleted() -> Result<()> {
    let checkout = std::env::temp_dir().join(format!("sluice-deleted-{}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&checkout)?;
    let dir = checkout.join("stores");

    stores("start-postgres", &dir).await?;
    stores("kill", &dir).await?;
    remove_dir_all(&dir)?;
    stores("start-postgres", &dir).await?;

    stores("remove", &dir).await?;
    Ok(remove_dir_all(&checkout)?)
}
