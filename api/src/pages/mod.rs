//! The HTML pages for payers, and the way from `/` to the documentation.

mod checkout;

pub use self::checkout::routes;

use std::sync::LazyLock;

use axum::extract::Request;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("page.css");

/// Allows only the page's own inline style: no scripts, forms or other resources, and no framing.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// Middleware that leads a browser from `/` to the documentation. Programs get the API's response.
pub async fn home(request: Request, next: Next) -> Response {
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    if request.uri().path() == "/" && is_read && accepts_html(request.headers()) {
        let cached = [(CACHE_CONTROL, "no-store")];
        return (cached, Redirect::to("/docs")).into_response();
    }
    next.run(request).await
}

/// Whether a client names HTML among what it accepts, as browsers do. Programs accept anything.
fn accepts_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).into_iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.any(|value| {
        value
            .split(',')
            .any(|kind| kind.trim_start().starts_with("text/html"))
    })
}

/// Renders `content` in the layout that all pages share.
fn page(status: StatusCode, title: &str, content: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (content) } }
        }
    };
    // The URL identifies a payment, so caches must not store it and `Referer` must not leak it.
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let policy = [(CONTENT_SECURITY_POLICY, POLICY.clone())];
    (status, headers, policy, page.into_string()).into_response()
}
