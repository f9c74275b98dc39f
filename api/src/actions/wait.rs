//! Waiting until something is at rest.

use std::time::Duration;

use domain::payment::Payment;
use domain::refund::Refund;
use queue::Waiter;
use store::payments::Read;
use store::refunds;
use tokio::time::{Instant, timeout_at};

use crate::App;
use crate::error::ApiError;

/// How often the row is read although nobody hinted: a ring from the calendar has no reply queue,
/// and a hint may be lost.
const LOOK: Duration = Duration::from_secs(1);

/// What a worker may have in its hands.
pub trait Work: Sized {
    /// Whether a worker must act next.
    fn is_in_progress(&self) -> bool;

    /// As its row says now.
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

/// Waits for hints, up to the limit, and returns the thing as its row then says. While the row
/// cannot be read the wait goes on: the thing is stored, so the answer is what is known of it.
pub async fn until_done<T: Work>(app: &App, waiter: &mut Waiter, known: T) -> Result<T, ApiError> {
    let limit = Instant::now() + app.wait;
    let mut known = known;
    loop {
        let look = limit.min(Instant::now() + LOOK);
        // A hint or its absence: the row is the truth either way.
        let _ = timeout_at(look, waiter.replied()).await;
        match known.reread(app).await {
            Ok(now) => known = now.ok_or(ApiError::Internal)?,
            Err(error) if error.is_unavailable() => {
                tracing::warn!(%error, "the database is away, waiting on");
                tokio::time::sleep_until(look).await;
            }
            Err(error) => return Err(error.into()),
        }
        if !known.is_in_progress() || Instant::now() >= limit {
            return Ok(known);
        }
    }
}
