//! Registering a webhook endpoint, whatever surface asked for it.

use std::net::IpAddr;

use axum::extract::Request;
use domain::id::EndpointId;
use domain::merchant::Mode;
use domain::surface::Surface;
use store::endpoints::{self, Endpoint};
use store::merchants::Caller;
use time::OffsetDateTime;
use url::{Host, Url};
use wire::subscription::Subscription;
use zeroize::Zeroizing;

use crate::refused::Refused;
use crate::{App, body};

/// A registered endpoint and its secrets.
pub struct Registered {
    pub asked: Subscription,
    pub id: EndpointId,
    pub created_at: OffsetDateTime,
    pub secret: Zeroizing<String>,
    pub public_key: Option<String>,
}

/// Registers the endpoint that a request asks for, on a surface that documents the events `known`.
pub async fn register(
    app: &App,
    caller: Caller,
    surface: Surface,
    known: &[&str],
    request: Request,
) -> Result<Registered, Refused> {
    let (parts, body) = request.into_parts();
    let asked = Subscription::read(body::read(&parts.headers, body).await?, known)?;
    check_url(app, caller.mode, &asked.url)?;
    let id = EndpointId(store::fresh_id());
    let endpoint = Endpoint {
        id,
        merchant_id: caller.merchant_id,
        mode: caller.mode,
        surface,
        url: asked.url.clone(),
        events: asked.events.clone(),
        metadata: asked.metadata.clone(),
        ed25519: asked.ed25519,
    };
    let created_at = endpoints::create(&app.db, &endpoint).await?;
    let created_at = created_at.ok_or(Refused::TooManyEndpoints)?;
    Ok(Registered {
        id,
        created_at,
        secret: app.webhook_key.endpoint(id).text(),
        public_key: asked.ed25519.then(|| app.webhook_key.ed25519_public(id)),
        asked,
    })
}

/// Judges what the URL itself says; names are resolved and judged again at each try.
fn check_url(app: &App, mode: Mode, text: &str) -> Result<(), Refused> {
    let wrong = |why: &str| {
        let (param, why) = ("url".to_owned(), why.to_owned());
        Refused::Field(wire::fields::Wrong::Invalid { param, why })
    };
    let url = Url::parse(text).map_err(|_| wrong("must be an absolute URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not hold a user name or password"));
    }
    let policy = app.endpoint_policy;
    policy
        .may_use(mode, url.scheme(), url.host_str().unwrap_or_default())
        .map_err(Refused::UrlNotAllowed)?;
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::from(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::from(address)),
        Some(Host::Domain(_)) => None,
        None => return Err(wrong("must name a host")),
    };
    match address {
        Some(address) => policy
            .may_connect(mode, address)
            .map_err(Refused::UrlNotAllowed),
        None => Ok(()),
    }
}
