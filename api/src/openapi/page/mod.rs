//! The reference for people: pages without scripts, which load nothing from anywhere else.

mod fields;
mod guide;
mod surface;

#[cfg(test)]
pub use self::guide::{SECTIONS, section};

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::surface::Surface;
use maud::{DOCTYPE, Markup, html};

use super::SURFACED;
use super::first::BASE;
use crate::error::ApiError;
use crate::surfaces;

const STYLE: &str = include_str!("style.css");

/// Nothing but our own style may be loaded, and nobody may frame the page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// The pages by the name of their surface; the guide has none.
static PAGES: LazyLock<BTreeMap<&str, String>> = LazyLock::new(|| {
    let surfaces = SURFACED.iter().map(|one| {
        let name = one.surface.name();
        (
            name,
            page(name, &surface::contents(one), &surface::content(one)),
        )
    });
    let guide = (
        "",
        page("Guide", &guide::contents(), &guide::content(&SURFACED)),
    );
    surfaces.chain([guide]).collect()
});

pub fn routes() -> Router {
    Router::new()
        .route("/docs", get(show_guide))
        .route("/docs/", get(show_guide))
        .route("/docs/style.css", get(async || sent("text/css", STYLE)))
        .route("/docs/{surface}", get(show_surface))
}

async fn show_guide(headers: HeaderMap) -> Response {
    show("", &headers)
}

async fn show_surface(name: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Response {
    match name {
        Ok(Path(name)) => show(&name, &headers),
        Err(_) => unknown(),
    }
}

fn unknown() -> Response {
    surfaces::refuse(Surface::Finternet, ApiError::RouteUnknown)
}

/// A page whose calls go to where the reader found it.
fn show(name: &str, headers: &HeaderMap) -> Response {
    match PAGES.get(name) {
        Some(page) => sent(
            "text/html; charset=utf-8",
            page.replace(BASE, &base(headers)),
        ),
        None => unknown(),
    }
}

/// Where the reader found the gateway, as far as that can be a host.
fn base(headers: &HeaderMap) -> String {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let is_plain = |host: &&str| {
        let mut letters = host.bytes();
        !host.is_empty() && letters.all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b))
    };
    let scheme = match text(HeaderName::from_static("x-forwarded-proto")) {
        Some("https") => "https",
        _ => "http",
    };
    let host = text(HOST).filter(is_plain);
    host.map_or_else(|| BASE.to_owned(), |host| format!("{scheme}://{host}"))
}

fn sent(kind: &'static str, text: impl IntoResponse) -> Response {
    let header = |name: HeaderName, value| (name, HeaderValue::from_static(value));
    let headers = HeaderMap::from_iter([
        header(CONTENT_TYPE, kind),
        header(CACHE_CONTROL, "no-cache"),
        header(REFERRER_POLICY, "no-referrer"),
        header(X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ]);
    (headers, text).into_response()
}

/// A page around its content; `contents` is what stands at its side.
fn page(title: &str, contents: &Markup, content: &Markup) -> String {
    let names = SURFACED.iter().map(|one| one.surface.name());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Sluice" }
                link rel="stylesheet" href="/docs/style.css";
            }
            body {
                header {
                    a.brand href="/docs" aria-current=[(title == "Guide").then_some("page")] { "Sluice" }
                    nav aria-label="Surfaces" {
                        @for name in names {
                            a href={ "/docs/" (name) } aria-current=[(name == title).then_some("page")] { (name) }
                        }
                        a href="/openapi.json" { "OpenAPI" }
                    }
                }
                div.columns {
                    aside { nav aria-label="On this page" { (contents) } }
                    main { (content) }
                }
            }
        }
    };
    page.into_string()
}
