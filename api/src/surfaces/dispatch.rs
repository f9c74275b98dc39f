//! Dispatch: selects a request's surface, authenticates the request and applies the rate limit.
//!
//! The surface depends on the path, the method and the kind of credential. It is selected before
//! anything else, so that every error has the format of its surface.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, HeaderMap, HeaderValue,
    RETRY_AFTER, VARY,
};
use axum::http::{Extensions, Method};
use axum::middleware::Next;
use axum::response::Response;
use domain::surface::Surface;
use store::merchants::Principal;

use crate::App;
use crate::error::ApiError;
use crate::http::auth::{self, Credential};
use crate::http::client_ip;
use crate::http::rate_limit::Window;
use crate::surfaces;

/// A dispatch rule: requests that match it belong to `surface`. In `path`, `*` matches one
/// non-empty segment, and `**` at the end matches any number of segments. `None` matches anything.
struct Row {
    path: &'static str,
    method: Option<&'static str>,
    credentials: Option<&'static [Credential]>,
    surface: Surface,
}

const fn row(path: &'static str, surface: Surface) -> Row {
    Row {
        path,
        method: None,
        credentials: None,
        surface,
    }
}

impl Row {
    const fn with(self, credentials: &'static [Credential]) -> Self {
        Self {
            credentials: Some(credentials),
            ..self
        }
    }

    fn fits(&self, path: &str, method: &Method, credential: Credential) -> bool {
        self.credentials
            .is_none_or(|them| them.contains(&credential))
            && self.method.is_none_or(|one| one == method.as_str())
            && is_like(self.path, path)
    }
}

/// The dispatch rules; the first match wins. On a path that several surfaces share, the kind of
/// credential selects the surface. If it is not decisive, the path does, including its trailing
/// slash.
const ROWS: [Row; 19] = [
    row("/v2/**", Surface::Finfusion),
    row("/oauth/token", Surface::Finfusion),
    row("/v1/payment-intents/**", Surface::Finternet),
    row("/v1/auth/token", Surface::Paygate),
    row("/v1/transactions/**", Surface::Paygate),
    row("/v1/payments/*/refund", Surface::Paygate),
    row("/v1/webhooks/**", Surface::Finternet).with(&[Credential::KeyHeader]),
    row("/v1/**", Surface::Fourgeeks).with(&[Credential::Basic, Credential::ApiKey]),
    row("/v1/**", Surface::Paygate).with(&[Credential::Bearer, Credential::Other]),
    // From here on, requests below `/v1` have no `Authorization` header.
    row("/v1/payments/", Surface::Fourgeeks),
    row("/v1/payments/session/**", Surface::Fourgeeks),
    row("/v1/payments/public/**", Surface::Fourgeeks),
    Row {
        path: "/v1/payments/*",
        method: Some("GET"),
        credentials: None,
        surface: Surface::Fourgeeks,
    },
    row("/v1/payments/*/", Surface::Fourgeeks),
    row("/v1/refunds/**", Surface::Fourgeeks),
    row("/v1/customers/", Surface::Fourgeeks),
    row("/v1/customers/*/", Surface::Fourgeeks),
    row("/v1/**", Surface::Paygate),
    row("/**", Surface::Finternet),
];

/// Whether a path matches a rule's pattern. `/a/**` also matches `/a`.
fn is_like(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut segments) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), segments.next()) {
            (Some("**"), _) | (None, None) => return true,
            (Some("*"), Some(segment)) if !segment.is_empty() => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

/// The routes that payers' browsers call from pages of any origin.
const FOR_ANY_ORIGIN: &str = "/v1/payment-intents/public/**";

/// The response headers that scripts on such a page may read.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, \
     Idempotent-Replayed",
);

/// Strips the optional `/api` prefix, under which every operation is also served.
fn without_base(path: &str) -> &str {
    let rest = path.strip_prefix("/api");
    rest.filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// Selects the surface of a request. The body has no influence: an error about an invalid body has
/// the format of the surface that the client addressed.
fn surface(path: &str, method: &Method, headers: &HeaderMap) -> Surface {
    let (path, credential) = (without_base(path), auth::credential(headers));
    ROWS.iter()
        .find(|row| row.fits(path, method, credential))
        .map_or(Surface::Finternet, |row| row.surface)
}

/// The merchant that a request's credential identifies, or the authentication error.
#[derive(Clone)]
struct Identified(Result<Principal, ApiError>);

/// Middleware that selects the surface, authenticates and counts the request, and passes it on to
/// the surface's router. An authentication error is returned only by operations that need a key.
pub async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let surface = surface(request.uri().path(), request.method(), request.headers());
    request.extensions_mut().insert(surface);
    let is_for_any_origin = is_like(FOR_ANY_ORIGIN, without_base(request.uri().path()));
    let mut window = None;
    let mut response = match enter(&app, surface, &mut request, &mut window).await {
        Ok(()) => next.run(request).await,
        Err(error) => surfaces::render(surface, error),
    };
    let is_server_error = response.status().is_server_error();
    let headers = response.headers_mut();
    if let Some(window) = window {
        window.write(headers);
    }
    if is_server_error {
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

/// Counts a request against the rate limit: by key if the key is valid, else by client IP address.
async fn enter(
    app: &App,
    surface: Surface,
    request: &mut Request,
    window: &mut Option<Window>,
) -> Result<(), ApiError> {
    let identified = app.authenticator.identify(&app.db, request.headers()).await;
    let counted = match &identified {
        Ok(principal) => Window::count(app, surface, principal).await?,
        Err(refused) if refused.is_about_the_key() => {
            let from = client_ip::of(request, &app.trusted_proxies);
            Window::count_anonymous(app, surface, from).await?
        }
        // The credential cannot be looked up, so the request can be neither counted nor processed.
        Err(_) => return identified.map(drop),
    };
    window.insert(counted).check()?;
    request.extensions_mut().insert(Identified(identified));
    Ok(())
}

/// Takes the result of the authentication out of a request's extensions.
pub fn principal(extensions: &mut Extensions) -> Result<Principal, ApiError> {
    let identified = extensions.remove::<Identified>();
    identified.map_or(Err(ApiError::Internal), |identified| identified.0)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    const BEARER: &str = "Bearer sk_test_1";
    const BASIC: &str = "Basic c2tfdGVzdF8xOg==";

    fn surface_of(
        method: &Method,
        path: &str,
        authorization: Option<&'static str>,
    ) -> &'static str {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert("authorization", HeaderValue::from_static(value));
        }
        surface(path, method, &headers).name()
    }

    fn key_alone() -> HeaderMap {
        HeaderMap::from_iter([(
            HeaderName::from_static("x-api-key"),
            HeaderValue::from_static("sk_test_1"),
        )])
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
            for authorization in [None, Some(BEARER), Some(BASIC)] {
                let found = surface_of(&Method::POST, path, authorization);
                assert_eq!(found, name, "{path}");
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
            assert_eq!(surface_of(&Method::POST, path, Some(BEARER)), "paygate");
            assert_eq!(surface_of(&Method::POST, path, Some(BASIC)), "fourgeeks");
        }
        for path in ["/v1/webhooks", "/v1/webhooks/", "/v1/webhooks/whk_1"] {
            let found = surface(path, &Method::POST, &key_alone());
            assert_eq!(found, Surface::Finternet, "{path}");
        }
    }

    #[test]
    fn without_a_credential_the_slash_decides() {
        for (method, path, name) in [
            (Method::POST, "/v1/payments", "paygate"),
            (Method::POST, "/v1/payments/", "fourgeeks"),
            (Method::GET, "/v1/payments/pay_1", "fourgeeks"),
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
            let with_key = surface(path, &method, &key_alone());
            assert_eq!(with_key.name(), name, "{path}");
        }
        assert_eq!(surface_of(&Method::POST, "/v1/webhooks", None), "paygate");
    }
}
