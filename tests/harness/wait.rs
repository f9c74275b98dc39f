//! The one place that waits.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often the condition is polled.
const POLL: Duration = Duration::from_millis(20);

/// Polls until there is something, and returns it; fails after `limit`.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut poll: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = poll().await? {
            return Ok(found);
        }
        if Instant::now() >= end {
            bail!("not within {limit:?}: {what}");
        }
        tokio::time::sleep(POLL).await;
    }
}
