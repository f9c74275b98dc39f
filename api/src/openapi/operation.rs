//! Declarations of operations.
//!
//! An operation is declared once, in its surface's `mod.rs`, with its paths, method, handler and
//! documentation. aide creates both the route and the `OpenAPI` operation from it.

use std::sync::Arc;

use aide::axum::ApiRouter;
use aide::axum::routing::{self, ApiMethodRouter};
use aide::openapi::{OpenApi, Operation, ReferenceOr, StatusCode};
use aide::operation::{OperationHandler, OperationInput, OperationOutput};
use aide::transform::TransformOperation;
use axum::Router;
use axum::handler::Handler;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::schemas;
use crate::App;

/// Extension of an operation that lists its aliases, which differ only in a trailing slash.
pub const ALSO: &str = "x-also";

/// Documentation of an operation, in addition to its handler's signature.
#[derive(Clone, Copy)]
pub struct Docs {
    group: &'static str,
    id: &'static str,
    summary: &'static str,
    description: &'static str,
    example: &'static str,
    refusals: &'static [u16],
    anonymous: Option<fn() -> Value>,
}

/// Creates the documentation of an operation. Generated clients name the operation `id`.
pub const fn docs(group: &'static str, id: &'static str, summary: &'static str) -> Docs {
    Docs {
        group,
        id,
        summary,
        description: "",
        example: "",
        refusals: &[],
        anonymous: None,
    }
}

impl Docs {
    /// Sets the description.
    pub const fn description(self, description: &'static str) -> Self {
        Self {
            description,
            ..self
        }
    }

    /// Sets the example of a valid request body, as JSON.
    pub const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    /// Sets the error statuses that do not follow from the signature.
    pub const fn refusing(self, refusals: &'static [u16]) -> Self {
        Self { refusals, ..self }
    }

    /// Marks the path as shared: a request without a key goes to another surface, whose 401 body
    /// has the schema `anonymous`.
    pub const fn shared(self, anonymous: fn() -> Value) -> Self {
        Self {
            anonymous: Some(anonymous),
            ..self
        }
    }

    fn apply(self, mut operation: TransformOperation<'_>) -> TransformOperation<'_> {
        let inner = operation.inner_mut();
        may_refuse(inner, &[400, 429, 500, 503]);
        may_refuse(inner, self.refusals);
        if let Some(ReferenceOr::Item(body)) = &mut inner.request_body {
            for media in body.content.values_mut() {
                media.example = serde_json::from_str(self.example).ok();
            }
        }
        if let Some(anonymous) = self.anonymous {
            let extensions = &mut inner.extensions;
            extensions.insert("x-anonymous".to_owned(), anonymous());
        }
        let operation = operation.id(self.id).tag(self.group).summary(self.summary);
        if self.description.is_empty() {
            operation
        } else {
            operation.description(self.description)
        }
    }
}

macro_rules! methods {
    ($($method:ident $with:ident)*) => {
        $(
            /// Creates an operation with this HTTP method.
            pub fn $method<H, I, O, T>(handler: H, docs: Docs) -> ApiMethodRouter<Arc<App>>
            where
                H: Handler<T, Arc<App>> + OperationHandler<I, O>,
                I: OperationInput,
                O: OperationOutput,
                T: 'static,
            {
                routing::$with(handler, |operation| docs.apply(operation))
            }
        )*
    };
}

methods! { get get_with post post_with put put_with patch patch_with delete delete_with }

/// The operations of a surface, from which its router and the paths of its document are created.
pub struct Operations(ApiRouter<Arc<App>>);

impl Operations {
    /// Starts without operations, and resets this thread's schemas.
    pub fn new() -> Self {
        // An earlier document may have left schemas on this thread.
        schemas::take();
        Self(ApiRouter::new())
    }

    /// Adds an operation at `path` and at its aliases `also`. Only `path` is documented as a path:
    /// client generators and fuzzers would treat an alias as another operation.
    pub fn at<const N: usize>(
        self,
        path: &str,
        also: [&str; N],
        operation: ApiMethodRouter<Arc<App>>,
    ) -> Self {
        let spell = |router: ApiRouter<_>, path: &&str| router.route(path, operation.clone());
        let router = also.iter().fold(self.0, spell);
        let router = router.api_route_with(path, operation, |mut item| {
            if N > 0 {
                let item = item.inner_mut();
                let methods = [
                    &mut item.get,
                    &mut item.post,
                    &mut item.put,
                    &mut item.patch,
                    &mut item.delete,
                ];
                for operation in methods.into_iter().flatten() {
                    let extensions = &mut operation.extensions;
                    extensions.insert(ALSO.to_owned(), also.as_slice().into());
                }
            }
            item
        });
        Self(router)
    }

    /// Adds an undocumented route.
    pub fn route(self, path: &str, route: axum::routing::MethodRouter<Arc<App>>) -> Self {
        Self(self.0.route(path, route))
    }

    /// Returns the router and the paths of the document.
    pub fn finish(self) -> (Router<Arc<App>>, Value) {
        let mut api = OpenApi::default();
        let router = self.0.finish_api(&mut api);
        let paths = serde_json::to_value(api.paths);
        (router, paths.unwrap_or_default())
    }
}

/// Converts JSON to one of aide's types; `None` if it does not match the type.
pub fn typed<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

/// Adds error responses to an operation. They are references, because each surface describes its
/// errors once in its components.
pub fn may_refuse(operation: &mut Operation, statuses: &[u16]) {
    let responses = operation.responses.get_or_insert_default();
    for status in statuses {
        let error = json!({ "$ref": format!("#/components/responses/Error{status}") });
        let error = typed(error).map(|error| (StatusCode::Code(*status), error));
        responses.responses.extend(error);
    }
}
