//! Waiting until a payment is at rest.

use std::time::Duration;

use domain::payment::Payment;
use queue::Waiter;
use store::payments::Look;
use tokio::time::{Instant, timeout_at};

use crate::App;
use crate::refused::Refused;

/// How often the row is read although nobody hinted: a ring from the calendar has no reply queue,
/// and a hint may be lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Waits for hints about a payment, up to the limit, and returns it as its row then says. While the
/// row cannot be read the wait goes on: the payment is stored, so the answer is what is known of it.
pub async fn until_rest(
    app: &App,
    waiter: &mut Waiter,
    known: Payment,
) -> Result<Payment, Refused> {
    let limit = Instant::now() + app.wait;
    let mut known = known;
    loop {
        let next = limit.min(Instant::now() + LOOK_EVERY);
        // A hint or its absence: the row is the truth either way.
        let _ = timeout_at(next, waiter.heard()).await;
        let look = Look {
            merchant_id: known.merchant_id,
            mode: known.mode,
            id: known.id,
        };
        match app.looks.run(look).await {
            Ok(payment) => known = payment.ok_or(Refused::Internal)?,
            Err(error) if error.is_unavailable() => {
                tracing::warn!(%error, "the database is away, waiting on");
                tokio::time::sleep_until(next).await;
            }
            Err(error) => return Err(error.into()),
        }
        if !known.state.is_work() || Instant::now() >= limit {
            return Ok(known);
        }
    }
}
