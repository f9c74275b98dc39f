//! Dispatch: selects a request's surface, authenticates the request and applies the rate limit.
//!
//! The surface depends on the path, the method and the kind of credential. It is selected before
//! anything else, so that every error has the format of its surface.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, HeaderMap, HeaderValue,
    RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use domain::surface::Surface;
use store::merchants::Principal;

use crate::App;
use crate::error::ApiError;
use crate::http;
use crate::http::anonymous::Counted;
use crate::http::auth::{self, Credential};
use crate::http::client_ip;
use crate::http::rate_limit::Window;
use crate::surfaces;

/// The response headers that scripts on pages of other origins may read.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, \
     Idempotent-Replayed",
);

/// The segments of a path, without the optional `/api` prefix, under which every operation is also
/// served.
pub fn segments(path: &str) -> Vec<&str> {
    let mut segments = path.split('/').skip(1).peekable();
    segments.next_if_eq(&"api");
    segments.collect()
}

/// Selects the surface of a request. On a path that several surfaces share, the kind of credential
/// selects it. If that is not decisive, the path does, including its trailing slash. The body has
/// no influence: an error about an invalid body has the format of the surface that the client
/// addressed.
fn surface(path: &[&str], method: &Method, headers: &HeaderMap) -> Surface {
    use Credential::{ApiKey, Basic, Bearer, KeyHeader, Other};
    match (path, auth::credential(headers)) {
        (["v2", ..] | ["oauth", "token"], _) => Surface::Finfusion,
        (["v1", "payment-intents", ..], _) | (["v1", "webhooks", ..], KeyHeader) => {
            Surface::Finternet
        }
        (["v1", "auth", "token"] | ["v1", "transactions", ..], _) => Surface::Paygate,
        (["v1", "payments", id, "refund"], _) if !id.is_empty() => Surface::Paygate,
        (["v1", ..], Basic | ApiKey) => Surface::Fourgeeks,
        (["v1", ..], Bearer | Other) => Surface::Paygate,
        // From here on, requests below `/v1` have no `Authorization` header.
        (
            ["v1", "payments" | "customers", ""]
            | ["v1", "payments", "session" | "public", ..]
            | ["v1", "refunds", ..],
            _,
        ) => Surface::Fourgeeks,
        (["v1", "payments" | "customers", id, ""], _) if !id.is_empty() => Surface::Fourgeeks,
        (["v1", "payments", _], _) if [Method::GET, Method::HEAD].contains(method) => {
            Surface::Fourgeeks
        }
        (["v1", ..], _) => Surface::Paygate,
        _ => Surface::Finternet,
    }
}

/// The schemes that a surface's clients may authenticate with (RFC 9110, section 11.6.1). Clients
/// such as wget send Basic credentials only when a response asks for them. Token endpoints take a
/// client's credentials (RFC 6749, section 5.2).
fn challenges(surface: Surface, path: &[&str]) -> &'static [&'static str] {
    const BEARER: &str = r#"Bearer realm="Sluice""#;
    const BASIC: &str = r#"Basic realm="Sluice", charset="UTF-8""#;
    match surface {
        _ if matches!(path, ["oauth", "token"] | ["v1", "auth", "token"]) => &[BASIC],
        Surface::Paygate | Surface::Finfusion => &[BEARER],
        Surface::Finternet => &[BEARER, BASIC],
        Surface::Fourgeeks => &[BASIC, r#"Api-Key realm="Sluice""#],
    }
}

/// The merchant that a request's credential identifies, or the authentication error: an extension
/// of the request.
pub type Identified = Result<Principal, ApiError>;

/// Middleware that selects the surface, authenticates and counts the request, and passes it on to
/// the surface's router. An authentication error is returned only by operations that need a key.
pub async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let path = segments(request.uri().path());
    let surface = surface(&path, request.method(), request.headers());
    let challenges = challenges(surface, &path);
    // Payers' browsers call these routes from pages of any origin.
    let is_for_any_origin = path.starts_with(&["v1", "payment-intents", "public"]);
    request.extensions_mut().insert(surface);
    let mut window = None;
    let response = match enter(&app, surface, &mut request, &mut window).await {
        Ok(()) => run(&app, request, next).await,
        Err(error) => Some(surfaces::render(surface, error)),
    };
    let mut response = response.unwrap_or_else(|| {
        tracing::warn!("too many requests in progress, or responses that are not sent");
        surfaces::render(surface, ApiError::Unavailable)
    });
    let status = response.status();
    response.extensions_mut().insert(surface);
    let headers = response.headers_mut();
    if let Some(window) = window {
        window.write(headers);
    }
    if status == StatusCode::UNAUTHORIZED {
        for challenge in challenges {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
    }
    if status.is_server_error() {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if is_for_any_origin {
        // Safe: the API uses no cookies, so a page cannot act with a visitor's credentials.
        let any = HeaderValue::from_static("*");
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, any);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    headers.insert(VARY, HeaderValue::from_static("Authorization, X-API-Key"));
    response
}

/// Runs a request that has entered; `None` if its merchant has too many in progress, or too much to send.
async fn run(app: &App, request: Request, next: Next) -> Option<Response> {
    let identified = request.extensions().get::<Identified>();
    let principal = identified.and_then(|identified| identified.as_ref().ok());
    let merchant = principal.map(|principal| principal.merchant_id);
    let _permit = app.requests.take(merchant, 1)?;
    app.unsent.hold(merchant, next.run(request).await).await
}

/// Counts a request against the rate limit: by key if the key is valid, else by client IP address.
/// Lookups of keys are counted first, so that guessed keys cannot load the database.
async fn enter(
    app: &App,
    surface: Surface,
    request: &mut Request,
    window: &mut Option<Window>,
) -> Result<(), ApiError> {
    let from = client_ip::of(request, &app.trusted_proxies);
    let count = || {
        let counted = app.anonymous.count(Counted::Requests(surface), from);
        Window::of_address(counted)
    };
    if let Err(error) = http::headers::check(request) {
        window.insert(count()).check()?;
        return Err(error);
    }
    let is_looked_up = app.authenticator.must_look_up(request.headers());
    if is_looked_up {
        let lookups = Window::of_address(app.anonymous.count(Counted::LookUps, from));
        if let Err(error) = lookups.check() {
            *window = Some(lookups);
            return Err(error);
        }
    }
    let identified: Identified = app.authenticator.identify(&app.db, request.headers()).await;
    if let Ok(principal) = &identified {
        let merchant = tracing::field::display(principal.merchant_id);
        tracing::Span::current().record("merchant", merchant);
    }
    let is_anonymous = matches!(&identified, Err(refused) if refused.is_about_the_key());
    if is_looked_up && !is_anonymous {
        app.anonymous.uncount(Counted::LookUps, from);
    }
    let counted = match &identified {
        Ok(principal) => Window::count(app, surface, principal).await?,
        Err(_) if is_anonymous => count(),
        // The credential cannot be looked up, so the request can be neither counted nor processed.
        Err(_) => return identified.map(drop),
    };
    window.insert(counted).check()?;
    request.extensions_mut().insert(identified);
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    type Header = Option<(&'static str, &'static str)>;

    const BEARER: Header = Some(("authorization", "Bearer sk_test_1"));
    const BASIC: Header = Some(("authorization", "Basic c2tfdGVzdF8xOg=="));
    const KEY: Header = Some(("x-api-key", "sk_test_1"));

    fn surface_of(method: &Method, path: &str, header: Header) -> &'static str {
        let header = header.map(|(name, value)| {
            let value = HeaderValue::from_static(value);
            (HeaderName::from_static(name), value)
        });
        surface(&segments(path), method, &HeaderMap::from_iter(header)).name()
    }

    #[test]
    fn the_path_names_the_surface() {
        for (path, name) in [
            ("/v2/webhooks", "finfusion"),
            ("/api/v2/payments", "finfusion"),
            ("/oauth/token", "finfusion"),
            ("/v1/payment-intents", "finternet"),
            ("/api/v1/payment-intents/public/intent_1", "finternet"),
            ("/v1/transactions", "paygate"),
            ("/v1/payments/pay_1/refund", "paygate"),
            ("/v22", "finternet"),
            ("/", "finternet"),
            ("/apiv2/payments", "finternet"),
        ] {
            for header in [None, BEARER, BASIC] {
                assert_eq!(surface_of(&Method::POST, path, header), name, "{path}");
            }
        }
    }

    #[test]
    fn the_credential_names_the_surface_of_a_shared_path() {
        for path in [
            "/v1/payments",
            "/v1/payments/",
            "/v1/customers",
            "/v1/refunds",
        ] {
            assert_eq!(surface_of(&Method::POST, path, BEARER), "paygate");
            assert_eq!(surface_of(&Method::POST, path, BASIC), "fourgeeks");
        }
        for path in ["/v1/webhooks", "/v1/webhooks/", "/v1/webhooks/whk_1"] {
            assert_eq!(surface_of(&Method::POST, path, KEY), "finternet", "{path}");
        }
    }

    #[test]
    fn without_a_credential_the_slash_decides() {
        for (method, path, name) in [
            (Method::POST, "/v1/payments", "paygate"),
            (Method::POST, "/v1/payments/", "fourgeeks"),
            (Method::GET, "/v1/payments/pay_1", "fourgeeks"),
            (Method::HEAD, "/v1/payments/pay_1", "fourgeeks"),
            (Method::GET, "/v1/payments/internal", "fourgeeks"),
            (Method::GET, "/v1/payments/public/pay_1", "fourgeeks"),
            (Method::GET, "/v1/payments/public/pay_1/", "fourgeeks"),
            (Method::GET, "/v1/payments/pay_1/", "fourgeeks"),
            (Method::POST, "/v1/payments/session", "fourgeeks"),
            (Method::POST, "/v1/payments/session/", "fourgeeks"),
            (Method::POST, "/v1/payments/pay_1/refund", "paygate"),
            (Method::POST, "/v1/refunds", "fourgeeks"),
            (Method::GET, "/v1/refunds/ref_1/", "fourgeeks"),
            (Method::GET, "/v1/customers", "paygate"),
            (Method::GET, "/v1/customers/", "fourgeeks"),
            (Method::GET, "/v1/customers/cus_1", "paygate"),
            (Method::GET, "/v1/customers/cus_1/", "fourgeeks"),
        ] {
            assert_eq!(surface_of(&method, path, None), name, "{path}");
            assert_eq!(surface_of(&method, path, KEY), name, "{path}");
        }
        assert_eq!(surface_of(&Method::POST, "/v1/webhooks", None), "paygate");
    }
}
