//! Request ids: every response carries one in `X-Request-Id`, and so does every log line of the
//! request.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use domain::surface::Surface;
use telemetry::metrics::table::{API_REQUEST_DURATION, API_REQUESTS};
use tracing::{Instrument, Span};
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Assigns an id to a request, its span and its response, and logs the response.
pub async fn name(request: Request, next: Next) -> Response {
    let (id, started, method) = (Uuid::new_v4(), Instant::now(), method(request.method()));
    // Error level, so that a log filter that drops info spans keeps the id.
    let span = tracing::error_span!(
        "request",
        request_id = %id,
        route = tracing::field::Empty,
        merchant = tracing::field::Empty,
    );
    async move {
        let mut response = record_route(request, next).await;
        let (status, took) = (response.status(), started.elapsed());
        measure(method, &response, took);
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(method, status = status.as_u16(), ms, "responded");
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), "responded with a server error");
        }
        if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }
    .instrument(span)
    .await
}

/// Middleware that adds the template of a request's path to its span and its response. The path itself
/// may hold anything that a client sends, so it is not logged.
pub async fn record_route(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    if let Some(path) = &path {
        Span::current().record("route", path.as_str());
    }
    let mut response = next.run(request).await;
    if let Some(path) = path {
        response.extensions_mut().insert(path);
    }
    response
}

fn measure(method: &'static str, response: &Response, took: Duration) {
    let surface = response.extensions().get::<Surface>();
    let surface = surface.map_or("none", |surface| surface.name());
    let path = response.extensions().get::<MatchedPath>();
    let route = path.map_or("unmatched", |path| template(path.as_str()));
    let status = match response.status().as_u16() {
        ..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        500.. => "5xx",
    };
    API_REQUESTS.increment([surface, method, route, status]);
    API_REQUEST_DURATION.observe([surface, method, route], took);
}

/// The template without the optional `/api` prefix, to live as long as the process. There are as many as
/// the routers have routes.
fn template(path: &str) -> &'static str {
    static TEMPLATES: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    let path = path.strip_prefix("/api").unwrap_or(path);
    let mut templates = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(template) = templates.get(path) {
        return template;
    }
    let template: &'static str = Box::leak(path.into());
    templates.insert(template);
    template
}

/// The method, unless the client made it up.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
