//! Waits until a payment or refund is no longer in progress.

use std::time::Duration;

use domain::payment::Payment;
use domain::refund::Refund;
use queue::Waiter;
use store::payments::Read;
use store::refunds;
use tokio::time::{Instant, timeout_at};

use crate::App;
use crate::error::ApiError;

/// How often the row is read without a reply: a job published by the scheduler has no reply queue,
/// and a reply may be lost.
const LOOK: Duration = Duration::from_secs(1);

/// An object that workers process.
pub trait Work: Sized {
    /// Whether a worker must act next.
    fn is_in_progress(&self) -> bool;

    /// Reads the object's row again.
    fn reread(&self, app: &App) -> impl Future<Output = store::Result<Option<Self>>> + Send;
}

impl Work for Payment {
    fn is_in_progress(&self) -> bool {
        self.state.is_in_progress()
    }

    async fn reread(&self, app: &App) -> store::Result<Option<Self>> {
        let look = Read {
            merchant_id: self.merchant_id,
            mode: self.mode,
            id: self.id,
        };
        app.reads.run(look).await
    }
}

impl Work for Refund {
    fn is_in_progress(&self) -> bool {
        self.state.is_in_progress()
    }

    async fn reread(&self, app: &App) -> store::Result<Option<Self>> {
        refunds::get(&app.db, self.merchant_id, self.mode, self.id).await
    }
}

/// Waits until the object is no longer in progress, or until the limit, and returns its current
/// row. While the database is unavailable it keeps waiting instead of failing: the object is
/// stored, so at the limit the last known row is still a correct result.
pub async fn until_done<T: Work>(app: &App, waiter: &mut Waiter, known: T) -> Result<T, ApiError> {
    let limit = Instant::now() + app.wait;
    let mut known = known;
    loop {
        let look = limit.min(Instant::now() + LOOK);
        // The row is authoritative, whether a reply arrived or the timeout elapsed.
        let _ = timeout_at(look, waiter.replied()).await;
        match known.reread(app).await {
            Ok(now) => {
                known = now.ok_or_else(|| {
                    ApiError::internal("a row that a request waits for is missing")
                })?;
            }
            Err(error) if error.is_unavailable() => {
                tracing::warn!(%error, "the database is unreachable, still waiting");
                tokio::time::sleep_until(look).await;
            }
            Err(error) => return Err(error.into()),
        }
        if !known.is_in_progress() || Instant::now() >= limit {
            return Ok(known);
        }
    }
}
