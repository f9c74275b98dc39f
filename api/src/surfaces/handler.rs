//! Extractors and response types for the handlers of all surfaces.
//!
//! Each type also describes itself in the `OpenAPI` document, so that a handler's signature is its
//! documentation.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{self, Operation};
use aide::operation::OperationInput;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::surface::Surface;
use schemars::JsonSchema;
use serde_json::{Value, json};
use store::accept::{Key, StoredResponse};
use store::merchants::Principal;
use wire::error::SurfaceError;
use zeroize::Zeroizing;

use crate::App;
use crate::actions::idempotency::{self, ApiResponse};
use crate::error::ApiError;
use crate::http::{body, client_ip};
use crate::openapi::{operation, schemas};
use crate::surfaces::dispatch::{self, Identified};

/// The result of a handler.
pub type Handled<T, const STATUS: u16 = 200> = Result<Reply<T, STATUS>, Refusal>;

/// The state of the process, and the merchant that the request's key or access token identifies.
/// Rejects requests without a valid one, so an operation that does not take this extractor is
/// public.
pub struct Auth(pub Arc<App>, pub Principal);

impl FromRequestParts<Arc<App>> for Auth {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let identified = parts.extensions.remove::<Identified>();
        let principal = identified
            .unwrap_or_else(|| Err(ApiError::internal("a request did not pass the guard")))?;
        Ok(Self(Arc::clone(app), principal))
    }
}

impl OperationInput for Auth {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        let key = operation::typed(json!({ "key": [] }));
        operation.security.extend(key);
        // 403: an access token that lacks the scope.
        operation::may_refuse(operation, &[401, 403]);
    }
}

/// The first id in the path. An id that is not UTF-8 is read as empty, which matches no object.
/// Path parameters are documented from the path itself, not from this extractor.
pub struct Id(pub String);

/// The second id in the path, of a part of the first's object.
pub struct SubId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self(id_at(0, parts, state).await))
    }
}

impl OperationInput for Id {}

impl<S: Send + Sync> FromRequestParts<S> for SubId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self(id_at(1, parts, state).await))
    }
}

impl OperationInput for SubId {}

async fn id_at<S: Send + Sync>(at: usize, parts: &mut Parts, state: &S) -> String {
    let ids = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
    let id = ids.ok().and_then(|Path(ids)| ids.into_iter().nth(at));
    id.map(|(_, id)| id).unwrap_or_default()
}

/// The merchant whose valid key a public operation's request has, if it has one.
pub struct KeyHolder(pub Option<Principal>);

impl<S: Send + Sync> FromRequestParts<S> for KeyHolder {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let identified = parts.extensions.get::<Identified>();
        Ok(Self(identified.and_then(|found| found.clone().ok())))
    }
}

impl OperationInput for KeyHolder {}

/// The client address of the request.
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<Arc<App>> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let trusted = &app.trusted_proxies;
        let address = client_ip::of_parts(&parts.extensions, &parts.headers, trusted);
        Ok(Self(address))
    }
}

impl OperationInput for ClientAddress {}

/// The raw query string. The fields of `T` document its parameters.
pub struct Query<T>(pub String, PhantomData<fn() -> T>);

impl<S: Send + Sync, T> FromRequestParts<S> for Query<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(query.to_owned(), PhantomData))
    }
}

impl<T: JsonSchema> OperationInput for Query<T> {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        let parameters = schemas::parameters::<T>().into_iter();
        let parameters = parameters.filter_map(operation::typed);
        operation.parameters.extend(parameters);
        operation::may_refuse(operation, &[400]);
    }
}

/// How a request sends its body.
pub trait Kind {
    /// The media type.
    const MEDIA: &'static str = "application/json";
    /// Whether the body may be omitted.
    const IS_OPTIONAL: bool = false;
    /// Whether the operation accepts an Idempotency-Key.
    const IS_KEYED: bool = true;
}

/// A JSON body; the operation accepts an Idempotency-Key.
pub struct Keyed;

/// An optional JSON body; the operation accepts an Idempotency-Key.
pub struct Optional;

/// A JSON body; the operation ignores an Idempotency-Key.
pub struct Plain;

/// A form; the operation ignores an Idempotency-Key.
pub struct Form;

impl Kind for Keyed {}

impl Kind for Optional {
    const IS_OPTIONAL: bool = true;
}

impl Kind for Plain {
    const IS_KEYED: bool = false;
}

impl Kind for Form {
    const MEDIA: &'static str = "application/x-www-form-urlencoded";
    const IS_KEYED: bool = false;
}

/// A request body with the fields of `T`. The handler reads it, not the extractor, so that a
/// missing object is reported before an invalid body.
pub struct Sent<T, K = Keyed>(Request, PhantomData<fn() -> (T, K)>);

impl<S: Send + Sync, T, K> FromRequest<S> for Sent<T, K> {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self(request, PhantomData))
    }
}

impl<T: JsonSchema, K: Kind> OperationInput for Sent<T, K> {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        operation.request_body = operation::typed(json!({
            "required": !K::IS_OPTIONAL,
            "content": { K::MEDIA: { "schema": schemas::request::<T>() } },
        }));
        if K::IS_KEYED {
            let key = json!({ "$ref": "#/components/parameters/IdempotencyKey" });
            operation.parameters.extend(operation::typed(key));
            operation::may_refuse(operation, &[409]);
        }
        operation::may_refuse(operation, &[400]);
    }
}

impl<T, K: Kind> Sent<T, K> {
    /// Parses the body with `read`. Also returns the request's idempotency key, if it has one.
    pub async fn read<R, E>(
        self,
        app: &App,
        read: impl FnOnce(Value) -> Result<R, E>,
    ) -> Result<(R, Option<Key>), Refusal>
    where
        Refusal: From<E>,
    {
        let (parts, body) = self.0.into_parts();
        let body = body::read(&parts.headers, body, K::IS_OPTIONAL).await?;
        let surface = parts.extensions.get::<Surface>().copied();
        let key = match surface.filter(|_| K::IS_KEYED) {
            Some(surface) => {
                let path = dispatch::segments(parts.uri.path());
                idempotency::key(&parts, &path, &app.idempotency_key, surface, &body)?
            }
            None => None,
        };
        Ok((read(body)?, key))
    }
}

impl<T> Sent<T, Form> {
    /// Reads the form. It may contain a secret, so its memory is zeroed on drop.
    pub async fn form(self) -> Result<Zeroizing<String>, Refusal> {
        let (parts, body) = self.0.into_parts();
        Ok(body::read_form(&parts.headers, body).await?)
    }
}

/// A JSON response with the fields of `T`.
pub struct Reply<T, const STATUS: u16 = 200> {
    response: ApiResponse,
    is_secret: bool,
    fields: PhantomData<fn() -> T>,
}

impl<T, const STATUS: u16> Reply<T, STATUS> {
    /// Creates a response with this body.
    pub fn of(body: String) -> Self {
        ApiResponse::new(Self::stored(body)).into()
    }

    /// Creates a response that contains a secret, which must not be cached.
    pub fn secret(body: String) -> Self {
        Self {
            is_secret: true,
            ..Self::of(body)
        }
    }

    /// Creates the same response in the form that is stored for an idempotency key.
    pub const fn stored(body: String) -> StoredResponse {
        StoredResponse {
            status: STATUS,
            body,
        }
    }
}

impl<T, const STATUS: u16> From<ApiResponse> for Reply<T, STATUS> {
    fn from(response: ApiResponse) -> Self {
        Self {
            response,
            is_secret: false,
            fields: PhantomData,
        }
    }
}

impl<T, const STATUS: u16> IntoResponse for Reply<T, STATUS> {
    fn into_response(self) -> Response {
        let mut response = rendered(self.response.response);
        let headers = response.headers_mut();
        if self.response.is_replay {
            headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        if self.is_secret {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        response
    }
}

impl<T: JsonSchema, const STATUS: u16> OperationOutput for Reply<T, STATUS> {
    type Inner = T;

    fn inferred_responses(
        _: &mut GenContext,
        _: &mut Operation,
    ) -> Vec<(Option<u16>, openapi::Response)> {
        let schema = schemas::response::<T>();
        let response = json!({
            "description": "", "content": { "application/json": { "schema": schema } },
        });
        let response = operation::typed(response);
        Vec::from_iter(response.map(|response| (Some(STATUS), response)))
    }
}

// A value with the fields of either `A` or `B`. Doc comments would be added to the schema.
#[derive(JsonSchema)]
#[schemars(inline, untagged)]
#[expect(dead_code, reason = "the variants only describe the schema")]
pub enum Either<A, B> {
    One(A),
    Other(B),
}

/// The error of a handler. An operation that always fails returns it alone.
pub enum Refusal {
    /// An error that the surface's router renders in the surface's format.
    Api(ApiError),
    /// An error that is already in the surface's format.
    Surface(StoredResponse),
}

impl OperationOutput for Refusal {
    type Inner = ();
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::Surface(response) => rendered(response),
            Refusal::Api(error) => {
                let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
                response.extensions_mut().insert(error);
                response
            }
        }
    }
}

impl<E: Into<ApiError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Refusal::Api(error.into())
    }
}

macro_rules! rendered_from {
    ($($surface:ident)*) => {
        $(impl From<wire::$surface::error::Error> for Refusal {
            fn from(error: wire::$surface::error::Error) -> Self {
                Refusal::Surface(of(&error))
            }
        })*
    };
}

rendered_from! { finternet paygate finfusion fourgeeks }

/// Renders a surface's error as a response that can be stored for an idempotency key.
pub fn of(error: &impl SurfaceError) -> StoredResponse {
    StoredResponse {
        status: error.status(),
        body: error.body(),
    }
}

/// Creates the HTTP response, with `Content-Type: application/json`. An invalid status becomes 500.
pub fn rendered(response: StoredResponse) -> Response {
    let status = StatusCode::from_u16(response.status);
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(CONTENT_TYPE, "application/json")], response.body).into_response()
}
