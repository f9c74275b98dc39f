//! The acquirer's HTTP routes.

use std::{fs, io, io::Read, path, path::PathBuf, sync::Arc};

use axum::{
    Json, RequestExt, Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Request, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::de::DeserializeOwned;
use tokio::time::{self, Instant};

use crate::{
    connection::ConnectionHandle,
    faults,
    fields::Reference,
    request::{AuthorizationRequest, CaptureRequest, RefundRequest},
    response::{AcquirerError, Decision, EnquiryResponse, StatusResponse},
    shared::SharedAcquirer,
};

const LOG_CHUNK: u64 = 64 * 1024;

pub(crate) fn acquirer(acquirer: Arc<SharedAcquirer>) -> Router {
    Router::new()
        .route("/authorizations", post(authorize))
        .route("/authorizations/{reference}", get(enquire))
        .route("/authorizations/{reference}/capture", post(capture))
        .route("/authorizations/{reference}/void", post(void))
        .route("/refunds", post(refund))
        .with_state(acquirer)
}

pub(crate) fn log(path: PathBuf) -> Router {
    Router::new()
        .route("/log", get(records))
        .with_state(path.into())
}

pub(crate) fn health() -> Router {
    let not_found = || async { RouteError::Acquirer(AcquirerError::NotFound) };
    Router::new()
        .route("/livez", get(ok))
        .route("/readyz", get(ok))
        .fallback(not_found)
}

type SharedState = State<Arc<SharedAcquirer>>;

async fn authorize(
    State(acquirer): SharedState,
    ConnectInfo(handle): ConnectInfo<ConnectionHandle>,
    JsonBody(request): JsonBody<AuthorizationRequest>,
) -> Result<Response, RouteError> {
    let decision = acquirer
        .call(|acquirer, now| acquirer.authorize(&request, now))
        .await?;
    Ok(match decision {
        Decision::Decided(response, Some(fault)) => {
            faults::approved(response, fault, &acquirer, &handle).await
        }
        Decision::Decided(response, None) | Decision::Repeated(response) => {
            Json(response).into_response()
        }
        Decision::Pending { until } => {
            Json(decide_later(acquirer, request.reference, until).await?).into_response()
        }
        Decision::NotProcessed(fault) => faults::not_processed(fault, &handle),
    })
}

/// Waits in its own task: the acquirer decides even if the client disconnects.
async fn decide_later(
    acquirer: Arc<SharedAcquirer>,
    reference: Reference,
    until: Instant,
) -> Result<StatusResponse, AcquirerError> {
    let decided = tokio::spawn(async move {
        time::sleep_until(until).await;
        acquirer
            .call(|acquirer, now| acquirer.finish_pending(&reference, now))
            .await
    });
    decided.await.unwrap_or(Err(AcquirerError::Internal))
}

async fn enquire(
    State(acquirer): SharedState,
    PathReference(reference): PathReference,
) -> Result<Json<EnquiryResponse>, RouteError> {
    Ok(Json(
        acquirer
            .call(|acquirer, _| acquirer.enquire(&reference))
            .await?,
    ))
}

async fn capture(
    State(acquirer): SharedState,
    ConnectInfo(handle): ConnectInfo<ConnectionHandle>,
    PathReference(reference): PathReference,
    JsonBody(request): JsonBody<CaptureRequest>,
) -> Result<Response, RouteError> {
    let (response, fault) = acquirer
        .call(|acquirer, now| acquirer.capture(&reference, &request, now))
        .await?;
    Ok(faults::captured(response, fault, &handle))
}

async fn void(
    State(acquirer): SharedState,
    PathReference(reference): PathReference,
) -> Result<Json<StatusResponse>, RouteError> {
    Ok(Json(
        acquirer
            .call(|acquirer, now| acquirer.void(&reference, now))
            .await?,
    ))
}

async fn refund(
    State(acquirer): SharedState,
    JsonBody(request): JsonBody<RefundRequest>,
) -> Result<Json<StatusResponse>, RouteError> {
    Ok(Json(
        acquirer
            .call(|acquirer, now| acquirer.refund(&request, now))
            .await?,
    ))
}

/// The current log. Blocking reads are acceptable here, because the file is in the page cache.
async fn records(State(path): State<Arc<path::Path>>) -> Result<Response, StatusCode> {
    let opened = fs::File::open(&path).and_then(|file| {
        let length = file.metadata()?.len();
        Ok(file.take(length))
    });
    let log = opened.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let chunks = futures::stream::try_unfold(log, async |mut log| {
        let mut chunk = Vec::new();
        log.by_ref().take(LOG_CHUNK).read_to_end(&mut chunk)?;
        io::Result::Ok((!chunk.is_empty()).then_some((chunk, log)))
    });
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

async fn ok() -> &'static str {
    "ok"
}

/// A JSON body. Unlike axum's extractor it has one error for everything and never quotes the body,
/// which may contain a card number.
struct JsonBody<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = RouteError;

    async fn from_request(request: Request, _: &S) -> Result<Self, RouteError> {
        let body: Bytes = request.extract().await.map_err(|_| RouteError::Malformed)?;
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|_| RouteError::Malformed)
    }
}

struct PathReference(Reference);

impl<S: Send + Sync> FromRequestParts<S> for PathReference {
    type Rejection = RouteError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RouteError> {
        let path = Path::<Reference>::from_request_parts(parts, state).await;
        path.map(|Path(reference)| Self(reference))
            .map_err(|_| RouteError::Malformed)
    }
}

enum RouteError {
    Malformed,
    Acquirer(AcquirerError),
}

impl From<AcquirerError> for RouteError {
    fn from(error: AcquirerError) -> Self {
        Self::Acquirer(error)
    }
}

impl IntoResponse for RouteError {
    fn into_response(self) -> Response {
        match self {
            Self::Malformed => faults::error(StatusCode::BAD_REQUEST, "invalid_request"),
            Self::Acquirer(error) => faults::error(status(error), &error.to_string()),
        }
    }
}

fn status(error: AcquirerError) -> StatusCode {
    match error {
        AcquirerError::NotFound => StatusCode::NOT_FOUND,
        AcquirerError::ReferenceReused
        | AcquirerError::NotCapturable
        | AcquirerError::AlreadyCaptured
        | AcquirerError::NotCaptured
        | AcquirerError::NotRefundable => StatusCode::CONFLICT,
        AcquirerError::AmountExceeded | AcquirerError::CurrencyDiffers => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        AcquirerError::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
