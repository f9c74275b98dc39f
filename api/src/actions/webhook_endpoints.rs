//! Registers and manages webhook endpoints, for all surfaces.

use domain::id::EndpointId;
use domain::merchant::Mode;
use domain::surface::Surface;
use store::accept::{Key, StoredResponse};
use store::endpoints;
use store::merchants::Principal;
use time::OffsetDateTime;
use url::{Host, Url};
use wire::event;
use wire::subscription::{Changes, Endpoint, Subscription};

use crate::App;
use crate::actions::idempotency::{self, ApiResponse};
use crate::error::ApiError;

/// Placeholder for the secret in a stored response. It cannot occur in JSON otherwise, because JSON
/// escapes control characters.
const SECRET: &str = "\u{1}";

/// Registers an endpoint. The response is stored for its idempotency key without the secret, which
/// a replay derives again.
pub async fn register(
    app: &App,
    principal: Principal,
    surface: Surface,
    subscription: Subscription,
    key: Option<Key>,
    render: impl Fn(&Endpoint, &str) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let key = key.as_ref();
    let registering = Box::pin(register_first(
        app,
        principal,
        surface,
        subscription,
        key,
        render,
    ));
    idempotency::coalesce(app, principal, key, registering).await
}

async fn register_first(
    app: &App,
    principal: Principal,
    surface: Surface,
    subscription: Subscription,
    key: Option<&Key>,
    render: impl Fn(&Endpoint, &str) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    check_host(app, principal.mode, &subscription.url)?;
    let id = EndpointId(store::new_id());
    let mut tx = store::begin(&app.db, principal.merchant_id, principal.mode).await?;
    if let Some((id, before)) = idempotency::begin(&mut tx, principal, key, id.0).await? {
        let mut replayed = idempotency::replayed(before)?;
        let secret = app.webhook_key.endpoint(EndpointId(id)).text();
        replayed.response.body = replayed.response.body.replace(SECRET, &secret);
        return Ok(replayed);
    }
    let mut stored = endpoints::Endpoint {
        id,
        merchant_id: principal.merchant_id,
        mode: principal.mode,
        surface,
        url: subscription.url.into(),
        events: subscription.events,
        metadata: subscription.metadata,
        ed25519: subscription.ed25519,
        is_active: true,
        created_at: OffsetDateTime::UNIX_EPOCH,
        updated_at: OffsetDateTime::UNIX_EPOCH,
    };
    let kinds = event::kinds(surface, &stored.events);
    let created_at = endpoints::create(&mut tx, &stored, &kinds).await?;
    stored.created_at = created_at.ok_or(ApiError::TooManyEndpoints)?;
    stored.updated_at = stored.created_at;
    let secret = app.webhook_key.endpoint(id).text();
    let response = render(&shown(app, stored), &secret);
    let kept = StoredResponse {
        body: response.body.replace(&*secret, SECRET),
        ..response
    };
    idempotency::store_response(&mut tx, principal, key, &kept).await?;
    store::commit(tx).await?;
    Ok(ApiResponse::new(response))
}

/// Returns the merchant's endpoint with this id on this surface.
pub async fn find(
    app: &App,
    principal: Principal,
    surface: Surface,
    id: EndpointId,
) -> Result<Endpoint, ApiError> {
    Ok(shown(app, stored(app, principal, surface, id).await?))
}

async fn stored(
    app: &App,
    principal: Principal,
    surface: Surface,
    id: EndpointId,
) -> Result<endpoints::Endpoint, ApiError> {
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let endpoint = endpoints::get(&app.db, merchant, mode, surface, id).await?;
    endpoint.ok_or(ApiError::Missing("webhook endpoint"))
}

/// Returns the merchant's endpoints on this surface, newest first.
pub async fn list(
    app: &App,
    principal: Principal,
    surface: Surface,
) -> Result<Vec<Endpoint>, ApiError> {
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let endpoints = endpoints::list(&app.db, merchant, mode, surface).await?;
    let endpoints = endpoints.into_iter();
    Ok(endpoints.map(|endpoint| shown(app, endpoint)).collect())
}

/// Updates the merchant's endpoint with this id on this surface.
pub async fn update(
    app: &App,
    principal: Principal,
    surface: Surface,
    id: EndpointId,
    changes: Changes,
) -> Result<Endpoint, ApiError> {
    let mut endpoint = stored(app, principal, surface, id).await?;
    if let Some(url) = changes.url {
        check_host(app, principal.mode, &url)?;
        endpoint.url = url.into();
    }
    endpoint.events = changes.events.unwrap_or(endpoint.events);
    endpoint.metadata = changes.metadata.unwrap_or(endpoint.metadata);
    endpoint.is_active = changes.is_active.unwrap_or(endpoint.is_active);
    let kinds = event::kinds(surface, &endpoint.events);
    let updated_at = endpoints::update(&app.db, &endpoint, &kinds).await?;
    endpoint.updated_at = updated_at.ok_or(ApiError::Missing("webhook endpoint"))?;
    Ok(shown(app, endpoint))
}

/// Deletes the merchant's endpoint with this id on this surface.
pub async fn delete(
    app: &App,
    principal: Principal,
    surface: Surface,
    id: EndpointId,
) -> Result<(), ApiError> {
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    if endpoints::delete(&app.db, merchant, mode, surface, id).await? {
        Ok(())
    } else {
        Err(ApiError::Missing("webhook endpoint"))
    }
}

fn shown(app: &App, endpoint: endpoints::Endpoint) -> Endpoint {
    let public_key = endpoint.ed25519;
    Endpoint {
        id: endpoint.id,
        url: endpoint.url,
        events: endpoint.events,
        metadata: endpoint.metadata,
        is_active: endpoint.is_active,
        public_key: public_key.then(|| app.webhook_key.ed25519_public(endpoint.id)),
        created_at: endpoint.created_at,
        updated_at: endpoint.updated_at,
    }
}

/// Checks the scheme, and the host if it is an address. Host names are resolved and checked at each
/// delivery attempt.
fn check_host(app: &App, mode: Mode, url: &Url) -> Result<(), ApiError> {
    let policy = app.endpoint_policy;
    let allowed = policy.may_use(mode, url.scheme(), url.host_str().unwrap_or_default());
    let allowed = allowed.and_then(|()| match url.host() {
        Some(Host::Ipv4(address)) => policy.may_connect(mode, address.into()),
        Some(Host::Ipv6(address)) => policy.may_connect(mode, address.into()),
        Some(Host::Domain(_)) | None => Ok(()),
    });
    allowed.map_err(ApiError::UrlNotAllowed)
}
