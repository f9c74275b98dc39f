//! An operation is declared once, in its surface's `mod.rs`: paths, method, handler and
//! documentation. aide makes the router and the operation's document of the same line.

use std::sync::Arc;

use aide::axum::ApiRouter;
use aide::axum::routing::{self, ApiMethodRouter};
use aide::openapi::{OpenApi, Operation, ReferenceOr, StatusCode};
use aide::operation::{OperationHandler, OperationInput, OperationOutput};
use aide::transform::TransformOperation;
use axum::Router;
use axum::handler::Handler;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::schemas;
use crate::App;

/// Where the document refers to the key of idempotent requests.
const IDEMPOTENCY_KEY: &str = "#/components/parameters/IdempotencyKey";

/// The member of an operation that lists its paths with a slash more or less.
pub const ALSO: &str = "x-also";

/// What the document says of an operation beside its handler's signature.
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

/// The documentation of the operation that generated clients call `id`.
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
    /// Explains more.
    pub const fn saying(self, description: &'static str) -> Self {
        Self {
            description,
            ..self
        }
    }

    /// A body, as JSON, that is accepted.
    pub const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    /// Errors beyond those that follow from the signature.
    pub const fn refusing(self, refusals: &'static [u16]) -> Self {
        Self { refusals, ..self }
    }

    /// Without a key, another surface answers on the same path; what its 401 looks like.
    pub const fn shared(self, anonymous: fn() -> Value) -> Self {
        Self {
            anonymous: Some(anonymous),
            ..self
        }
    }

    fn apply(self, mut operation: TransformOperation<'_>) -> TransformOperation<'_> {
        let inner = operation.inner_mut();
        may_refuse(inner, &[429, 500, 503]);
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
            /// An operation of this method.
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

/// The operations of a surface: its router, and the paths of its document.
pub struct Operations(ApiRouter<Arc<App>>);

impl Operations {
    /// No operations yet.
    pub fn new() -> Self {
        // What an earlier document left on this thread.
        schemas::take();
        Self(ApiRouter::new())
    }

    /// Adds an operation at a path and at its other spellings. Only the first is documented: to
    /// generators of clients and fuzzers another path would be another operation.
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

    /// Adds what is not documented.
    pub fn route(self, path: &str, route: axum::routing::MethodRouter<Arc<App>>) -> Self {
        Self(self.0.route(path, route))
    }

    /// The router, and the document's paths.
    pub fn finish(self) -> (Router<Arc<App>>, Map<String, Value>) {
        let mut api = OpenApi::default();
        let router = self.0.finish_api(&mut api);
        let paths = match serde_json::to_value(api.paths) {
            Ok(Value::Object(paths)) => paths,
            _ => Map::new(),
        };
        (router, paths)
    }
}

/// JSON as one of aide's structs.
pub fn typed<T: DeserializeOwned>(
    values: impl IntoIterator<Item = Value>,
) -> impl Iterator<Item = T> {
    let values = values.into_iter();
    values.filter_map(|value| serde_json::from_value(value).ok())
}

/// The operation needs a key.
pub fn require_key(operation: &mut Operation) {
    operation.security.extend(typed([json!({ "key": [] })]));
}

/// The operation accepts an Idempotency-Key.
pub fn accept_key(operation: &mut Operation) {
    let key = json!({ "$ref": IDEMPOTENCY_KEY });
    operation.parameters.extend(typed([key]));
    may_refuse(operation, &[409]);
}

/// The operation may end with these errors. Their texts are the surface's, so a reference here.
pub fn may_refuse(operation: &mut Operation, statuses: &[u16]) {
    let responses = operation.responses.get_or_insert_default();
    for status in statuses {
        let error = json!({ "$ref": format!("#/components/responses/Error{status}") });
        for error in typed([error]) {
            responses.responses.insert(StatusCode::Code(*status), error);
        }
    }
}
