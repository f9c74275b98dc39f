//! The surfaces: the public APIs of the gateway, each with its own operations and formats.

mod attempts;
pub mod dispatch;
mod endpoints;
pub mod finfusion;
pub mod finternet;
pub mod fourgeeks;
pub mod handler;
pub mod paygate;
pub mod query;

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Request};
use axum::http::header::{ALLOW, HeaderValue, RETRY_AFTER};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use domain::surface::Surface;
use serde_json::Value;
use tower_service::Service;

use self::handler::{Refusal, of, rendered};
use crate::App;
use crate::error::ApiError;
use crate::http::request_id::record_route;
use crate::openapi::operation::Operations;
use crate::openapi::{About, Documents, document};

/// Returns the router of all surfaces and their documents. Several surfaces may have the same path:
/// [`dispatch::guard`] selects the surface of a request before it is routed.
pub fn routes(app: &Arc<App>) -> (Router, Documents) {
    let (mut routers, mut documents) = (HashMap::new(), Vec::new());
    for surface in Surface::ALL {
        let (router, document) = parts(surface);
        routers.insert(surface, router.with_state(Arc::clone(app)));
        documents.push((surface, document));
    }
    let routers = Arc::new(routers);
    let dispatch =
        async move |Extension(surface): Extension<Surface>, request: Request| match routers
            .get(&surface)
            .cloned()
        {
            Some(mut router) => router.call(request).await.into_response(),
            None => render(surface, ApiError::internal("a surface has no router")),
        };
    let router = Router::new()
        .fallback(dispatch)
        .layer(from_fn_with_state(Arc::clone(app), dispatch::guard));
    (router, Documents(documents))
}

/// Returns a surface's router, with and without the `/api` prefix, and its document.
pub fn parts(surface: Surface) -> (Router<Arc<App>>, Value) {
    // `operations` resets this thread's schemas and `about` adds to them, so `about` runs later.
    let (operations, about): (Operations, fn() -> About) = match surface {
        Surface::Finternet => (finternet::operations(), finternet::about),
        Surface::Paygate => (paygate::operations(), paygate::about),
        Surface::Finfusion => (finfusion::operations(), finfusion::about),
        Surface::Fourgeeks => (fourgeeks::operations(), fourgeeks::about),
    };
    let (paths, described) = operations.finish();
    let router = Router::new()
        .nest("/api", paths.clone())
        .merge(paths)
        .fallback(async || Refusal::Api(ApiError::RouteUnknown));
    let router = with_errors(surface, router).layer(from_fn(record_route));
    let document = document::of(&about(), described);
    (router, document)
}

/// Renders the errors of a router, including axum's 405, in a surface's format.
pub fn with_errors<S: Clone + Send + Sync + 'static>(
    surface: Surface,
    router: Router<S>,
) -> Router<S> {
    router
        .method_not_allowed_fallback(async || Refusal::Api(ApiError::MethodNotAllowed))
        .layer(map_response(move |mut response: Response| {
            let Some(error) = response.extensions_mut().remove::<ApiError>() else {
                return ready(response);
            };
            let mut rendered = render(surface, error);
            // A 405 response lists the methods of the path.
            if let Some(allow) = response.headers_mut().remove(ALLOW) {
                rendered.headers_mut().insert(ALLOW, allow);
            }
            ready(rendered)
        }))
}

/// Renders an error in a surface's format.
pub fn render(surface: Surface, error: ApiError) -> Response {
    let retry_after = match error {
        ApiError::RateLimited(seconds) => Some(HeaderValue::from(seconds)),
        _ => None,
    };
    let mut response = rendered(match surface {
        Surface::Finternet => of(&wire::finternet::error::Error::from(error)),
        Surface::Paygate => of(&wire::paygate::error::Error::from(error)),
        Surface::Finfusion => of(&wire::finfusion::error::Error::from(error)),
        Surface::Fourgeeks => of(&wire::fourgeeks::error::Error::from(error)),
    });
    let retry_after = retry_after.map(|seconds| (RETRY_AFTER, seconds));
    response.headers_mut().extend(retry_after);
    response
}
