//! Making and canceling intents.

use domain::id::IntentId;
use domain::intent::Intent;
use store::accept::{Answer, Key};
use store::intents::{self, Canceled};
use store::merchants::Caller;

use crate::App;
use crate::customers::ring;
use crate::once::{self, Answered};
use crate::refused::Refused;

/// Makes an intent. Its id is made before, so that nothing else of it is when it runs again.
pub async fn create(
    app: &App,
    caller: Caller,
    intent: &Intent,
    key: Option<Key>,
    render: impl Fn(&Intent) -> Answer + Send + Sync,
) -> Result<Answered, Refused> {
    if caller.mode.is_live() {
        return Err(Refused::LiveUnavailable);
    }
    let mut tx = store::begin(&app.db, caller.merchant_id, caller.mode).await?;
    if let Some((_, before)) = once::begin(&mut tx, caller, key.as_ref(), intent.id.0).await? {
        return once::answered(before);
    }
    let (intent, told) = intents::create(&mut tx, intent).await?;
    let answer = render(&intent);
    once::keep_in(&mut tx, caller, key.as_ref(), &answer).await?;
    store::commit(tx).await?;
    ring(app, told);
    Ok(Answered::anew(answer))
}

/// An intent, whosever it is.
pub async fn find(app: &App, id: IntentId) -> Result<Intent, Refused> {
    let intent = intents::get(&app.db, id).await?;
    intent.ok_or(Refused::Missing("payment intent"))
}

/// Cancels an intent of the caller's, and answers with it as it is then. One that is not open is
/// refused, unless the same request canceled it before.
pub async fn cancel(
    app: &App,
    caller: Caller,
    id: IntentId,
    key: Option<Key>,
    render: impl Fn(&Intent) -> Answer + Send + Sync,
) -> Result<Answered, Refused> {
    let mut tx = store::begin(&app.db, caller.merchant_id, caller.mode).await?;
    if let Some((_, before)) = once::begin(&mut tx, caller, key.as_ref(), id.0).await? {
        return once::answered(before);
    }
    let canceled = intents::cancel(&mut tx, caller.merchant_id, caller.mode, id).await?;
    let (intent, told) = match canceled.ok_or(Refused::Missing("payment intent"))? {
        Canceled::Now(intent, told) => (intent, told),
        Canceled::NotOpen(_) => return Err(Refused::IntentClosed),
    };
    let answer = render(&intent);
    once::keep_in(&mut tx, caller, key.as_ref(), &answer).await?;
    store::commit(tx).await?;
    ring(app, told);
    Ok(Answered::anew(answer))
}
