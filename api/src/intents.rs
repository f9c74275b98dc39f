//! Making and canceling intents.

use domain::id::IntentId;
use domain::intent::Intent;
use store::accept::{Answer, Key};
use store::intents;
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
    let before = once::begin(&mut tx, caller, key.as_ref(), intent.id.0).await?;
    let (made, is_replay) = match before {
        Some((_, Some(answer))) => {
            return Ok(Answered {
                answer,
                is_replay: true,
            });
        }
        Some((id, None)) => (find(app, IntentId(id)).await?, true),
        None => {
            let (intent, told) = intents::create(&mut tx, intent).await?;
            store::commit(tx).await?;
            ring(app, told);
            (intent, false)
        }
    };
    let answer = once::keep(app, caller, key.as_ref(), render(&made)).await?;
    Ok(Answered { answer, is_replay })
}

/// An intent, whosever it is.
pub async fn find(app: &App, id: IntentId) -> Result<Intent, Refused> {
    let intent = intents::get(&app.db, id).await?;
    intent.ok_or(Refused::Missing("payment intent"))
}

/// Cancels an intent of the caller's, if it is open; returns it as it is then.
pub async fn cancel(app: &App, caller: Caller, id: IntentId) -> Result<Intent, Refused> {
    let mut tx = store::begin(&app.db, caller.merchant_id, caller.mode).await?;
    let canceled = intents::cancel(&mut tx, caller.merchant_id, caller.mode, id).await?;
    let (intent, told) = canceled.ok_or(Refused::Missing("payment intent"))?;
    store::commit(tx).await?;
    ring(app, told);
    Ok(intent)
}
