//! Paths outside of all surfaces answer as any other path does: errors are JSON in the words that
//! finternet has for them, and every answer has a name.

use axum::Router;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::map_response;
use axum::response::Response;
use domain::surface::Surface;
use uuid::Uuid;

use crate::error::ApiError;
use crate::surfaces;

/// These paths with our own words instead of axum's.
pub fn with_error_responses<S: Clone + Send + Sync + 'static>(paths: Router<S>) -> Router<S> {
    paths
        .method_not_allowed_fallback(async || {
            surfaces::refuse(Surface::Finternet, ApiError::MethodNotAllowed)
        })
        .layer(map_response(named))
}

async fn named(mut response: Response) -> Response {
    if let Ok(name) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        let header = HeaderName::from_static("x-request-id");
        response.headers_mut().insert(header, name);
    }
    response
}
