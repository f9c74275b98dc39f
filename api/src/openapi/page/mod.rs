//! The reference for people: the merchants' guide and Scalar's page.
use axum::Router;
use domain::surface::Surface;

pub fn routes(_: impl Iterator<Item = Surface>) -> Router {
    Router::new()
}
