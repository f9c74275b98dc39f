//! The attempts to deliver webhooks, and what a merchant sends again or as a test, for all surfaces.

use domain::delivery::Attempt;
use domain::endpoint::Endpoint;
use domain::event::EventType;
use domain::id::{AttemptId, EventId};
use domain::surface::Surface;
use store::accept::{Key, StoredResponse};
use store::merchants::Principal;
use store::page::Size;
use store::{attempts, endpoints};
use wire::attempt::{Delivery, Named, Wanted};
use wire::event;

use crate::App;
use crate::actions::cursor;
use crate::actions::customers::publish;
use crate::actions::idempotency::{self, ApiResponse};
use crate::error::ApiError;

fn shown(surface: Surface, attempt: Attempt) -> Named {
    let event_type = event_name(surface, attempt.event_type);
    Named {
        attempt,
        event_type,
    }
}

/// The surface's name of an event that was sent.
fn event_name(surface: Surface, event_type: EventType) -> &'static str {
    event::name(surface, event_type).unwrap_or_else(|| event_type.name())
}

/// Returns a page of the attempts of the merchant's endpoint, newest first, and whether there are more.
pub async fn list(
    app: &App,
    principal: Principal,
    of: &Endpoint,
    wanted: &Wanted,
) -> Result<(Vec<Named>, bool), ApiError> {
    let page = &wanted.page;
    if let Some(after) = page.after {
        cursor::object(find(app, principal, of, after).await)?;
    }
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let (succeeded, size) = (wanted.succeeded, Size::short(page.limit));
    let found = attempts::list(&app.db, merchant, mode, of.id, succeeded, page.after, size).await?;
    let (found, has_more) = found;
    let found = found.into_iter().map(|attempt| shown(of.surface, attempt));
    Ok((found.collect(), has_more))
}

/// Returns the attempt of the merchant's endpoint with this id.
pub async fn find(
    app: &App,
    principal: Principal,
    of: &Endpoint,
    id: AttemptId,
) -> Result<Named, ApiError> {
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let found = attempts::get(&app.db, merchant, mode, of.id, id).await?;
    let found = found.ok_or(ApiError::Missing("webhook attempt"))?;
    Ok(shown(of.surface, found))
}

/// Sends an event to an endpoint again. [`ApiError::Missing`] if it was never sent to it.
pub async fn resend(
    app: &App,
    principal: Principal,
    to: &Endpoint,
    event: EventId,
    key: Option<Key>,
    render: impl Fn(&Delivery) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let key = key.as_ref();
    let sending = Box::pin(send(app, principal, to, Some(event), key, render));
    idempotency::coalesce(app, principal, key, sending).await
}

/// Sends a test event to an endpoint.
pub async fn test(
    app: &App,
    principal: Principal,
    to: &Endpoint,
    key: Option<Key>,
    render: impl Fn(&Delivery) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let key = key.as_ref();
    let sending = Box::pin(send(app, principal, to, None, key, render));
    idempotency::coalesce(app, principal, key, sending).await
}

/// Sends an event again, or a test event if there is none.
async fn send(
    app: &App,
    principal: Principal,
    to: &Endpoint,
    event: Option<EventId>,
    key: Option<&Key>,
    render: impl Fn(&Delivery) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let mut tx = store::begin(&app.db, principal.merchant_id, principal.mode).await?;
    if let Some((_, before)) = idempotency::begin(&mut tx, principal, key, to.id.0).await? {
        return idempotency::replayed(before);
    }
    if !to.is_active {
        return Err(ApiError::EndpointDisabled);
    }
    let sent = match event {
        Some(event) => endpoints::resend(&mut tx, to, event).await?,
        None => Some(endpoints::test(&mut tx, to).await?),
    };
    let sent = sent.ok_or(ApiError::Missing("event"))?;
    let response = render(&Delivery {
        id: sent.id,
        event_id: sent.event_id,
        event_type: event_name(to.surface, sent.event_type),
    });
    idempotency::store_response(&mut tx, principal, key, &response).await?;
    store::commit(tx).await?;
    publish(app, principal.merchant_id, sent.job.into_iter().collect());
    Ok(ApiResponse::new(response))
}
