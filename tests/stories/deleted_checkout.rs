//! A checkout that is deleted without `make clean`, and cloned again at the same place.

use std::fs::{DirBuilder, remove_dir_all};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use anyhow::Result;
use tests::stores_sh;

// Below a directory that Postgres may not enter, as /root, its data is outside of the checkout and
// outlives it.
#[tokio::test]
async fn postgres_starts_after_its_checkout_was_deleted() -> Result<()> {
    let checkout = std::env::temp_dir().join(format!("sluice-deleted-{}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&checkout)?;
    let dir = checkout.join("stores");
    let started = delete_between_two_starts(&dir).await;
    stores_sh("remove", &dir).await?;
    remove_dir_all(&checkout)?;
    started
}

async fn delete_between_two_starts(dir: &Path) -> Result<()> {
    stores_sh("start-postgres", dir).await?;
    stores_sh("kill", dir).await?;
    remove_dir_all(dir)?;
    stores_sh("start-postgres", dir).await
}
