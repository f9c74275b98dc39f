//! Request ids: every response carries one in `X-Request-Id`, and so does every log line of the
//! request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, Span};
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Assigns an id to a request, its span and its response, and logs the response.
pub async fn name(request: Request, next: Next) -> Response {
    let (id, started, method) = (Uuid::new_v4(), Instant::now(), method(request.method()));
    // Error level, so that a log filter that drops info spans keeps the id.
    let span = tracing::error_span!("request", request_id = %id, route = tracing::field::Empty);
    async move {
        let request = record_route(request.extensions().get().cloned(), request).await;
        let mut response = next.run(request).await;
        let (status, ms) = (response.status(), started.elapsed().as_millis());
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

/// Middleware that adds the template of a request's path to its span. The path itself may hold anything
/// that a client sends, so it is not logged.
pub async fn record_route(path: Option<MatchedPath>, request: Request) -> Request {
    if let Some(path) = path {
        Span::current().record("route", path.as_str());
    }
    request
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
