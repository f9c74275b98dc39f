//! Request ids: every response carries one in `X-Request-Id`, and so does every log line of the
//! request.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Assigns an id to a request, its span and its response, and logs server errors.
pub async fn name(request: Request, next: Next) -> Response {
    let id = Uuid::new_v4();
    // Error level, so that a log filter that drops info spans keeps the id.
    let span = tracing::error_span!("request", request_id = %id);
    async move {
        let mut response = next.run(request).await;
        let status = response.status();
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
