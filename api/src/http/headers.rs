//! Refuses requests whose headers could be read in two ways: a proxy in front may have read the other
//! one.

use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::surfaces::handler::Refusal;

/// The headers that we read and that may stand once, with the reason for the refusal. Hyper refuses
/// two lengths of a body by itself, and reads equal ones as one.
const SINGLE: [(HeaderName, &str); 5] = [
    (AUTHORIZATION, "Authorization must not be sent twice."),
    (CONTENT_TYPE, "Content-Type must not be sent twice."),
    (HOST, "Host must not be sent twice."),
    (
        HeaderName::from_static("idempotency-key"),
        "Idempotency-Key must not be sent twice.",
    ),
    (
        HeaderName::from_static("x-api-key"),
        "X-API-Key must not be sent twice.",
    ),
];

/// Checks the headers of a request that may stand once, and that there is a host (RFC 9112, section
/// 3.2).
pub fn check(request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    for (name, why) in &SINGLE {
        if headers.get_all(name).iter().nth(1).is_some() {
            return Err(ApiError::Header(why));
        }
    }
    if request.version() >= Version::HTTP_11 && !has_host(headers) {
        return Err(ApiError::Header("Host is missing or invalid."));
    }
    Ok(())
}

/// Whether there is a host with an optional port, and no user name. An empty one is valid.
fn has_host(headers: &HeaderMap) -> bool {
    headers.get(HOST).is_some_and(|host| {
        let is_valid = |host: &[u8]| Authority::try_from(host).is_ok() && !host.contains(&b'@');
        host.is_empty() || is_valid(host.as_bytes())
    })
}

/// Middleware that refuses what [`check`] refuses, for routes outside of the surfaces.
pub async fn guard(request: Request, next: Next) -> Response {
    match check(&request) {
        Ok(()) => next.run(request).await,
        Err(error) => Refusal::Api(error).into_response(),
    }
}
