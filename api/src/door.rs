//! The door: which surface is spoken to, who is calling, and whether they may now. Computed from
//! path and kind of credential before anything else, so that every refusal has the right shape.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, VARY};
use axum::middleware::Next;
use axum::response::Response;
use domain::surface::Surface;
use uuid::Uuid;

use crate::App;
use crate::caller::bearer;
use crate::limit::Window;
use crate::refused::Refused;
use crate::surfaces;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The kind of credential a request carries; it tells surfaces that share a path apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Credential {
    Bearer,
    Other,
    None,
}

/// Which surface a path, relative to its base, and a credential speak to. The first row that fits
/// counts; a row without a credential fits them all.
const ROWS: [(&str, Option<Credential>, Surface); 4] = [
    ("/v2", None, Surface::Finfusion),
    ("/oauth/token", None, Surface::Finfusion),
    ("/v1", Some(Credential::Bearer), Surface::Paygate),
    ("", None, Surface::Paygate),
];

/// The surface a request speaks to. Never its body: a wrong body is answered in the words of the
/// surface it was sent to.
fn surface(path: &str, headers: &HeaderMap) -> Surface {
    let path = path.strip_prefix("/api").unwrap_or(path);
    let credential = credential(headers);
    let fits = |prefix: &str| {
        let rest = path.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || prefix.is_empty() || rest.starts_with('/'))
    };
    ROWS.into_iter()
        .find(|(prefix, kind, _)| fits(prefix) && kind.is_none_or(|kind| kind == credential))
        .map_or(Surface::Paygate, |(_, _, surface)| surface)
}

fn credential(headers: &HeaderMap) -> Credential {
    let scheme = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    match scheme.and_then(|value| value.split(' ').next()) {
        Some(scheme) if scheme.eq_ignore_ascii_case("bearer") => Credential::Bearer,
        Some(_) => Credential::Other,
        None => Credential::None,
    }
}

/// Lets a request in, or turns it away in its surface's own words.
pub async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let surface = surface(request.uri().path(), request.headers());
    request.extensions_mut().insert(surface);
    let request_id = Uuid::now_v7();
    let mut window = None;
    let mut response = match enter(&app, surface, &mut request, &mut window).await {
        Ok(()) => next.run(request).await,
        Err(refused) => surfaces::refuse(surface, refused),
    };
    let headers = response.headers_mut();
    if let Some(window) = window {
        window.write(headers);
    }
    if response.status().is_server_error() {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("1"));
        tracing::warn!(%request_id, status = response.status().as_u16(), "answered with an error");
    }
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Authorization, X-API-Key"));
    if let Ok(value) = HeaderValue::from_str(&request_id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    response
}

async fn enter(
    app: &App,
    surface: Surface,
    request: &mut Request,
    window: &mut Option<Window>,
) -> Result<(), Refused> {
    if request.extensions().get::<MatchedPath>().is_none() {
        return Ok(());
    }
    match app
        .callers
        .identify(&app.db, bearer(request.headers().get(AUTHORIZATION)))
        .await
    {
        Ok(caller) => {
            let counted = window.insert(Window::count(app, surface, &caller).await?);
            counted.check()?;
            request.extensions_mut().insert(caller);
            Ok(())
        }
        // Guesses are counted by where they come from.
        Err(refused @ (Refused::KeyMissing | Refused::KeyInvalid)) => {
            let counted = window.insert(Window::count_stranger(app, surface, peer(request)).await?);
            counted.check()?;
            Err(refused)
        }
        Err(refused) => Err(refused),
    }
}

fn peer(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_the_surface() {
        let at = |path| surface(path, &HeaderMap::new());
        assert_eq!(at("/v2/webhooks"), Surface::Finfusion);
        assert_eq!(at("/api/v2/payments"), Surface::Finfusion);
        assert_eq!(at("/oauth/token"), Surface::Finfusion);
        assert_eq!(at("/v1/payments"), Surface::Paygate);
        assert_eq!(at("/api/v1/payments/pay_1"), Surface::Paygate);
        assert_eq!(at("/v22"), Surface::Paygate);
        assert_eq!(at("/"), Surface::Paygate);
    }
}
