//! The HTML pages: the merchants' guide, from `api/docs/*.md`, and the API reference, shown by
//! Scalar. Neither loads anything from another origin.

use std::sync::LazyLock;

use axum::Router;
use domain::surface::Surface;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use pulldown_cmark::{Options, Parser, html as render};
use sha2::{Digest, Sha256};

use crate::http::file::File;

const STYLE: &str = include_str!("style.css");
const START: &str = include_str!("reference.js");

/// The browser bundle of npm's `@scalar/api-reference` 1.76.0 (MIT), compressed with `gzip -9 -n`.
/// Every browser accepts gzip, but brotli only over HTTPS.
const SCALAR: &[u8] = include_bytes!("scalar.js.gz");

macro_rules! guide {
    ($($name:literal)*) => {
        /// The guide's pages by name, in the order of the navigation.
        const GUIDE: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../docs/", $name, ".md")))),*];
    };
}

guide! {
    "index" "surfaces" "authentication" "payments" "refunds" "webhooks" "idempotency" "lists"
    "errors" "rate-limits" "test-cards"
}

/// The content security policy of the guide: a page loads only our style sheet, and an empty icon that
/// keeps browsers from requesting one.
const GUIDE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; \
                            form-action 'none'; frame-ancestors 'none'";

/// The content security policy of the reference. Scalar's editor inserts style sheets whose content
/// changes, so no hash can name them; `connect-src` limits the requests that visitors try to this
/// gateway.
const REFERENCE_POLICY: &str = "default-src 'none'; script-src 'self'; \
                                style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                                connect-src 'self'; base-uri 'none'; form-action 'none'; \
                                frame-ancestors 'none'";

/// The path of the bundle. It contains a digest of the bundle, so that responses can be cached
/// forever.
static SCALAR_PATH: LazyLock<String> = LazyLock::new(|| {
    let digest = hex::encode(Sha256::digest(SCALAR));
    format!("/docs/scalar-{digest:.16}.js")
});

/// Creates the router that serves the pages, with a reference of these surfaces.
pub fn routes(surfaces: impl Iterator<Item = Surface>) -> Router {
    let names: Vec<&str> = surfaces.map(Surface::name).collect();
    let mut router = Router::new()
        .route("/docs/reference", reference(&names.join(" ")).route())
        .route(
            "/docs/reference.js",
            File::new("text/javascript", START).route(),
        )
        .route("/docs/style.css", File::new("text/css", STYLE).route())
        .route(
            &SCALAR_PATH,
            File::compressed("text/javascript", SCALAR).route(),
        );
    for (name, text) in GUIDE {
        let show = html_file(page(name, text), GUIDE_POLICY).route();
        router = if *name == "index" {
            router.route("/docs", show.clone()).route("/docs/", show)
        } else {
            router.route(&format!("/docs/{name}"), show)
        };
    }
    router
}

/// The title of a page: the heading on its first line.
fn title(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches('#').trim()
}

/// Renders a page of the guide from Markdown.
fn page(current: &str, text: &str) -> String {
    let mut body = String::new();
    render::push_html(&mut body, Parser::new_ext(text, Options::ENABLE_TABLES));
    // A wide table scrolls in its own container.
    let body = body
        .replace("<table>", r#"<div class="wide" tabindex="0"><table>"#)
        .replace("</table>", "</table></div>");
    let address = |name: &str| match name {
        "index" => "/docs".to_owned(),
        name => format!("/docs/{name}"),
    };
    let head = html! { link rel="stylesheet" href="/docs/style.css"; };
    let content = html! {
        header {
            a.brand href="/docs" { "Sluice" }
            a href="/docs/reference" { "API reference" }
        }
        div.columns {
            nav aria-label="Guide" {
                @for (name, text) in GUIDE {
                    a href=(address(name)) aria-current=[(*name == current).then_some("page")] {
                        (title(text))
                    }
                }
            }
            main { (PreEscaped(body)) }
        }
    };
    document(title(text), &head, &content)
}

/// Renders the API reference.
fn reference(surfaces: &str) -> File {
    let content = html! {
        div #reference data-surfaces=(surfaces) {}
        script src=(*SCALAR_PATH) {}
        script src="/docs/reference.js" {}
    };
    let page = document("API reference", &html! {}, &content);
    html_file(page, REFERENCE_POLICY)
}

fn document(title: &str, head: &Markup, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Sluice" }
                link rel="icon" href="data:,";
                (head)
            }
            body { (body) }
        }
    };
    page.into_string()
}

fn html_file(page: String, policy: &'static str) -> File {
    File::new("text/html; charset=utf-8", page).with_policy(policy)
}
