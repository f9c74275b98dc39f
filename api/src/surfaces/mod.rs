//! The surfaces: their paths, and their words for being turned away.

pub mod finfusion;
pub mod paygate;

use std::sync::Arc;

use axum::Router;
use axum::extract::Extension;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use domain::surface::Surface;
use store::accept::Answer;

use crate::App;
use crate::door;
use crate::refused::Refused;

/// Every surface's paths, under both bases, behind the door.
pub fn routes(app: Arc<App>) -> Router {
    let paths = Router::new()
        .merge(paygate::routes())
        .merge(finfusion::routes());
    Router::new()
        .nest("/api", paths.clone())
        .merge(paths)
        .fallback(|Extension(surface): Extension<Surface>| async move {
            refuse(surface, Refused::RouteUnknown)
        })
        .method_not_allowed_fallback(|Extension(surface): Extension<Surface>| async move {
            refuse(surface, Refused::MethodNotAllowed)
        })
        .layer(from_fn_with_state(Arc::clone(&app), door::guard))
        .with_state(app)
}

/// Turns a request away in a surface's words.
pub fn refuse(surface: Surface, refused: Refused) -> Response {
    answer(match surface {
        Surface::Paygate => paygate::refuse(refused),
        Surface::Finfusion => finfusion::refuse(refused),
    })
}

/// An answer as a response.
pub fn answer(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, json)], answer.body).into_response()
}
