//! Registers and manages webhook endpoints, for all surfaces.

use std::time::Duration;

use domain::endpoint::{Endpoint as Stored, Health};
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

/// Marks where the secret stands in a response, which is stored without it. It cannot occur in JSON
/// otherwise, because JSON escapes control characters.
const SECRET: &str = "\u{1}";

/// A stored response with its secret again: the first one, or the one whose version stands between two
/// marks.
fn with_secret(app: &App, id: EndpointId, body: &str) -> String {
    let secret = |version| app.webhook_key.endpoint(id, version).text();
    match body.split(SECRET).collect::<Vec<_>>().as_slice() {
        [before, after] => [before, secret(0).as_str(), after].concat(),
        [before, version, after] => {
            let version = version.parse().unwrap_or_default();
            [before, secret(version).as_str(), after].concat()
        }
        _ => body.to_owned(),
    }
}

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
        replayed.response.body = with_secret(app, EndpointId(id), &replayed.response.body);
        return Ok(replayed);
    }
    let mut stored = Stored {
        id,
        merchant_id: principal.merchant_id,
        mode: principal.mode,
        surface,
        url: subscription.url.into(),
        events: subscription.events,
        metadata: subscription.metadata,
        ed25519: subscription.ed25519,
        is_active: true,
        health: Health::default(),
        secret_version: 0,
        previous_secret_until: None,
        created_at: OffsetDateTime::UNIX_EPOCH,
        updated_at: OffsetDateTime::UNIX_EPOCH,
    };
    let kinds = event::kinds(surface, &stored.events);
    let created_at = endpoints::create(&mut tx, &stored, &kinds).await?;
    stored.created_at = created_at.ok_or(ApiError::TooManyEndpoints)?;
    stored.updated_at = stored.created_at;
    let secret = app.webhook_key.endpoint(id, 0).text();
    let response = render(&shown(app, stored), &secret);
    let kept = StoredResponse {
        body: response.body.replace(&*secret, SECRET),
        ..response
    };
    idempotency::store_response(&mut tx, principal, key, &kept).await?;
    store::commit(tx).await?;
    Ok(ApiResponse::new(response))
}

/// Gives an endpoint a new secret; the one before signs too for `overlap`. Like a registration, a replay
/// derives the secret again.
pub async fn roll_secret(
    app: &App,
    principal: Principal,
    of: &Stored,
    overlap: Duration,
    key: Option<Key>,
    render: impl Fn(&Endpoint, &str) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let key = key.as_ref();
    let rolling = Box::pin(roll_first(app, principal, of, overlap, key, render));
    idempotency::coalesce(app, principal, key, rolling).await
}

async fn roll_first(
    app: &App,
    principal: Principal,
    of: &Stored,
    overlap: Duration,
    key: Option<&Key>,
    render: impl Fn(&Endpoint, &str) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let mut tx = store::begin(&app.db, principal.merchant_id, principal.mode).await?;
    if let Some((id, before)) = idempotency::begin(&mut tx, principal, key, of.id.0).await? {
        let mut replayed = idempotency::replayed(before)?;
        replayed.response.body = with_secret(app, EndpointId(id), &replayed.response.body);
        return Ok(replayed);
    }
    let rolled = endpoints::roll_secret(&mut tx, of.surface, of.id, overlap).await?;
    let rolled = rolled.ok_or(ApiError::Missing("webhook endpoint"))?;
    let version = rolled.secret_version;
    let secret = app.webhook_key.endpoint(of.id, version).text();
    let response = render(&shown(app, rolled), &secret);
    let marked = format!("{SECRET}{version}{SECRET}");
    let kept = StoredResponse {
        body: response.body.replace(&*secret, &marked),
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

/// Returns the merchant's endpoint with this id on this surface, as it is stored.
pub async fn stored(
    app: &App,
    principal: Principal,
    surface: Surface,
    id: EndpointId,
) -> Result<Stored, ApiError> {
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
    if let Some(url) = &changes.url {
        // The other errors are about an endpoint that exists.
        stored(app, principal, surface, id).await?;
        check_host(app, principal.mode, url)?;
    }
    let changes = endpoints::Changes {
        url: changes.url.map(String::from),
        events: changes.events.map(|events| {
            let kinds = event::kinds(surface, &events);
            (events, kinds)
        }),
        metadata: changes.metadata,
        is_active: changes.is_active,
    };
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let updated = endpoints::update(&app.db, merchant, mode, surface, id, changes).await?;
    Ok(shown(
        app,
        updated.ok_or(ApiError::Missing("webhook endpoint"))?,
    ))
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

fn shown(app: &App, stored: Stored) -> Endpoint {
    let public_key = stored
        .ed25519
        .then(|| app.webhook_key.ed25519_public(stored.id));
    Endpoint { stored, public_key }
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
