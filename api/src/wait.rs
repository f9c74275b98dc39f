//! Waiting until a payment is at rest.

use std::time::Duration;

use domain::id::{MerchantId, PaymentId};
use domain::merchant::Mode;
use domain::payment::Payment;
use queue::Waiter;
use tokio::time::{Instant, timeout_at};

use crate::App;
use crate::refused::Refused;

/// How often the row is read although nobody hinted: a ring from the calendar has no reply queue,
/// and a hint may be lost.
const LOOK: Duration = Duration::from_secs(1);

/// Waits for hints about a payment, up to the limit, and returns it as its row then says.
pub async fn until_rest(
    app: &App,
    waiter: &mut Waiter,
    merchant: MerchantId,
    mode: Mode,
    id: PaymentId,
) -> Result<Payment, Refused> {
    let limit = Instant::now() + app.wait;
    loop {
        let look = limit.min(Instant::now() + LOOK);
        // A hint or its absence: the row is the truth either way.
        let _ = timeout_at(look, waiter.heard()).await;
        let payment = store::payments::get(&app.db, merchant, mode, id).await?;
        let payment = payment.ok_or(Refused::Internal)?;
        if !payment.state.is_work() || Instant::now() >= limit {
            return Ok(payment);
        }
    }
}
