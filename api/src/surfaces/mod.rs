//! The surfaces: their paths, and their words for being turned away.

pub mod dispatch;
pub mod finfusion;
pub mod finternet;
pub mod fourgeeks;
pub mod paygate;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, FromRequestParts, Path, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use domain::surface::Surface;
use store::accept::StoredResponse;
use tower_service::Service;

use crate::App;
use crate::actions::idempotency::ApiResponse;
use crate::error::ApiError;

/// A surface's paths, below its own version.
pub struct Paths {
    /// Those for whom the caller must be known; the handlers are told who it is.
    pub known: Router<Arc<App>>,
    /// Those that anybody may use.
    pub open: Router<Arc<App>>,
}

/// The id in a path. A path that is no text names nothing; axum's own answer to it is not ours.
pub struct Id(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(path.map(|Path(id)| id).unwrap_or_default()))
    }
}

/// Every surface's paths, behind the door. Two surfaces may have the same path: the door says which
/// of them a request speaks to.
pub fn routes(app: &Arc<App>) -> Router {
    let of = |surface| (surface, router(app, surface));
    let surfaces: Arc<[(Surface, Router)]> = Surface::ALL.map(of).into();
    let dispatch = move |Extension(surface): Extension<Surface>, request: Request| {
        let found = surfaces.iter().find(|(one, _)| *one == surface);
        let router = found.map(|(_, router)| router.clone());
        async move {
            let Some(mut router) = router else {
                return Ok(refuse(surface, ApiError::Internal));
            };
            Ok::<_, Infallible>(router.call(request).await.into_response())
        }
    };
    Router::new()
        .fallback(dispatch)
        .layer(from_fn_with_state(Arc::clone(app), dispatch::guard))
}

/// One surface's paths, under both bases.
fn router(app: &Arc<App>, surface: Surface) -> Router {
    let Paths { known, open } = match surface {
        Surface::Finternet => finternet::paths(),
        Surface::Paygate => paygate::paths(),
        Surface::Finfusion => finfusion::paths(),
        Surface::Fourgeeks => fourgeeks::paths(),
    };
    let known = if known.has_routes() {
        known.route_layer(from_fn(dispatch::require_principal))
    } else {
        known
    };
    let paths = known.merge(open);
    Router::new()
        .nest("/api", paths.clone())
        .merge(paths)
        .fallback(move || async move { refuse(surface, ApiError::RouteUnknown) })
        .method_not_allowed_fallback(
            move || async move { refuse(surface, ApiError::MethodNotAllowed) },
        )
        .with_state(Arc::clone(app))
}

/// Turns a request away in a surface's words.
pub fn refuse(surface: Surface, refused: ApiError) -> Response {
    answer(match surface {
        Surface::Finternet => finternet::refuse(refused),
        Surface::Paygate => paygate::refuse(refused),
        Surface::Finfusion => finfusion::refuse(refused),
        Surface::Fourgeeks => fourgeeks::refuse(refused),
    })
}

/// An answer as a response.
pub fn answer(answer: StoredResponse) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, json)], answer.body).into_response()
}

/// 200 with this body.
pub const fn ok(body: String) -> StoredResponse {
    StoredResponse { status: 200, body }
}

impl IntoResponse for ApiResponse {
    fn into_response(self) -> Response {
        answer_once(self)
    }
}

/// An answer that holds a secret: nobody on its way may keep it.
pub fn answer_secretly(body: String) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    let mut response = answer(ok(body));
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

/// An answer as a response that says whether it was given before.
pub fn answer_once(answered: ApiResponse) -> Response {
    let mut response = answer(answered.answer);
    if answered.is_replay {
        let replayed = HeaderValue::from_static("true");
        response
            .headers_mut()
            .insert("idempotent-replayed", replayed);
    }
    response
}
