//! Making and canceling intents.

use domain::id::IntentId;
use domain::intent::Intent;
use store::accept::{Key, StoredResponse};
use store::intents::{self, Canceled};
use store::merchants::Principal;

use crate::App;
use crate::actions::customers::publish;
use crate::actions::idempotency::{self, ApiResponse};
use crate::error::ApiError;

/// Makes an intent. Its id is made before, so that nothing else of it is when it runs again.
pub async fn create(
    app: &App,
    principal: Principal,
    intent: &Intent,
    key: Option<Key>,
    render: impl Fn(&Intent) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    if principal.mode.is_live() {
        return Err(ApiError::LiveUnavailable);
    }
    let mut tx = store::begin(&app.db, principal.merchant_id, principal.mode).await?;
    if let Some((_, before)) =
        idempotency::begin(&mut tx, principal, key.as_ref(), intent.id.0).await?
    {
        return idempotency::answered(before);
    }
    let (intent, jobs) = intents::create(&mut tx, intent).await?;
    let answer = render(&intent);
    idempotency::store_response(&mut tx, principal, key.as_ref(), &answer).await?;
    store::commit(tx).await?;
    publish(app, jobs);
    Ok(ApiResponse::new(answer))
}

/// An intent of any merchant.
pub async fn find(app: &App, id: IntentId) -> Result<Intent, ApiError> {
    let intent = intents::get(&app.db, id).await?;
    intent.ok_or(ApiError::Missing("payment intent"))
}

/// Cancels an intent of the caller's, and answers with it as it is then. One that is not open is
/// refused, unless the same request canceled it before.
pub async fn cancel(
    app: &App,
    principal: Principal,
    id: IntentId,
    key: Option<Key>,
    render: impl Fn(&Intent) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let mut tx = store::begin(&app.db, principal.merchant_id, principal.mode).await?;
    if let Some((_, before)) = idempotency::begin(&mut tx, principal, key.as_ref(), id.0).await? {
        return idempotency::answered(before);
    }
    let canceled = intents::cancel(&mut tx, principal.merchant_id, principal.mode, id).await?;
    let (intent, jobs) = match canceled.ok_or(ApiError::Missing("payment intent"))? {
        Canceled::Now(intent, jobs) => (intent, jobs),
        Canceled::NotOpen(_) => return Err(ApiError::IntentClosed),
    };
    let answer = render(&intent);
    idempotency::store_response(&mut tx, principal, key.as_ref(), &answer).await?;
    store::commit(tx).await?;
    publish(app, jobs);
    Ok(ApiResponse::new(answer))
}
