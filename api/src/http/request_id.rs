//! Every response has a name, `X-Request-Id`, and every log line of its request carries it.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names a request: its span, its response, and the line that logs a failure.
pub async fn name(request: Request, next: Next) -> Response {
    let id = Uuid::new_v4();
    // An error's level, so that a filter that hides information keeps the id.
    let span = tracing::error_span!("request", request_id = %id);
    async move {
        let mut response = next.run(request).await;
        let status = response.status();
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), "answered with a server error");
        }
        if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }
    .instrument(span)
    .await
}
