//! Creates, reads and cancels intents.

use domain::id::IntentId;
use domain::intent::Intent;
use store::accept::{Key, StoredResponse};
use store::intents::{self, Canceled};
use store::merchants::Principal;
use store::page::Size;
use wire::page::Page;

use crate::App;
use crate::actions::cursor;
use crate::actions::customers::publish;
use crate::actions::idempotency::{self, ApiResponse};
use crate::error::ApiError;

/// Creates an intent. The id is generated before, because the idempotency key is taken for it.
pub async fn create(
    app: &App,
    principal: Principal,
    intent: &Intent,
    key: Option<Key>,
    render: impl Fn(&Intent) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let key = key.as_ref();
    let creating = create_first(app, principal, intent, key, render);
    idempotency::coalesce(app, principal, key, creating).await
}

async fn create_first(
    app: &App,
    principal: Principal,
    intent: &Intent,
    key: Option<&Key>,
    render: impl Fn(&Intent) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    if principal.mode.is_live() {
        return Err(ApiError::LiveUnavailable);
    }
    let mut tx = store::begin(&app.db, principal.merchant_id, principal.mode).await?;
    if let Some((_, before)) = idempotency::begin(&mut tx, principal, key, intent.id.0).await? {
        return idempotency::replayed(before);
    }
    let (intent, jobs) = intents::create(&mut tx, intent).await?;
    let response = render(&intent);
    idempotency::store_response(&mut tx, principal, key, &response).await?;
    store::commit(tx).await?;
    publish(app, principal.merchant_id, jobs);
    Ok(ApiResponse::new(response))
}

/// Returns the intent with this id, whichever merchant owns it.
pub async fn find(app: &App, id: IntentId) -> Result<Intent, ApiError> {
    let intent = intents::get(&app.db, id).await?;
    intent.ok_or(ApiError::Missing("payment intent"))
}

/// Returns a page of the merchant's intents, newest first, and whether there are more.
pub async fn list(
    app: &App,
    principal: Principal,
    page: &Page<IntentId>,
) -> Result<(Vec<Intent>, bool), ApiError> {
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let after = match page.after {
        None => None,
        Some(after) => Some(cursor::object(find(app, after).await.and_then(|intent| {
            let is_own = (intent.merchant_id, intent.mode) == (merchant, mode);
            let own = is_own.then_some((intent.created_at, intent.id));
            own.ok_or(ApiError::Missing("payment intent"))
        }))?),
    };
    let size = Size::short(page.limit);
    Ok(intents::list(&app.db, merchant, mode, after, size).await?)
}

/// Cancels the merchant's intent and returns the response that shows it canceled. Fails if the
/// intent is not open, unless an earlier request with the same idempotency key canceled it.
pub async fn cancel(
    app: &App,
    principal: Principal,
    id: IntentId,
    key: Option<Key>,
    render: impl Fn(&Intent) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let key = key.as_ref();
    let canceling = cancel_first(app, principal, id, key, render);
    idempotency::coalesce(app, principal, key, canceling).await
}

async fn cancel_first(
    app: &App,
    principal: Principal,
    id: IntentId,
    key: Option<&Key>,
    render: impl Fn(&Intent) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let mut tx = store::begin(&app.db, principal.merchant_id, principal.mode).await?;
    if let Some((_, before)) = idempotency::begin(&mut tx, principal, key, id.0).await? {
        return idempotency::replayed(before);
    }
    let canceled = intents::cancel(&mut tx, principal.merchant_id, principal.mode, id).await?;
    let (intent, jobs) = match canceled.ok_or(ApiError::Missing("payment intent"))? {
        Canceled::Now(intent, jobs) => (intent, jobs),
        Canceled::NotOpen(_) => return Err(ApiError::IntentClosed),
    };
    let response = render(&intent);
    idempotency::store_response(&mut tx, principal, key, &response).await?;
    store::commit(tx).await?;
    publish(app, principal.merchant_id, jobs);
    Ok(ApiResponse::new(response))
}
