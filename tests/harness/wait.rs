//! The one place that waits.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often it is looked again.
const LOOK: Duration = Duration::from_millis(20);

/// Looks until it finds something, and returns that.
///
/// # Errors
/// If a look fails, or `limit` passes without a find.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if Instant::now() >= end {
            bail!("waited {limit:?} in vain until {what}");
        }
        tokio::time::sleep(LOOK).await;
    }
}
