//! The acquirer's paths.

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
    answer::{Answer, Refusal, Standing, Verdict},
    connection::Hold,
    delivery,
    desk::Desk,
    request::{AuthorizationRequest, CaptureRequest, RefundRequest},
    words::Reference,
};

const LOG_CHUNK: u64 = 64 * 1024;

pub(crate) fn acquirer(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/authorizations", post(authorize))
        .route("/authorizations/{reference}", get(enquire))
        .route("/authorizations/{reference}/capture", post(capture))
        .route("/authorizations/{reference}/void", post(void))
        .route("/refunds", post(refund))
        .with_state(desk)
}

pub(crate) fn log(path: PathBuf) -> Router {
    Router::new()
        .route("/log", get(records))
        .with_state(path.into())
}

pub(crate) fn health() -> Router {
    let lost = || async { Problem::Refused(Refusal::NotFound) };
    Router::new()
        .route("/livez", get(ok))
        .route("/readyz", get(ok))
        .fallback(lost)
}

type AtDesk = State<Arc<Desk>>;

async fn authorize(
    State(desk): AtDesk,
    ConnectInfo(hold): ConnectInfo<Hold>,
    Asked(request): Asked<AuthorizationRequest>,
) -> Result<Response, Problem> {
    let verdict = desk
        .ask(|acquirer, now| acquirer.authorize(&request, now))
        .await?;
    Ok(match verdict {
        Verdict::Decided(answer, Some(fault)) => {
            delivery::approved(answer, fault, &desk, &hold).await
        }
        Verdict::Decided(answer, None) | Verdict::Repeated(answer) => Json(answer).into_response(),
        Verdict::Thinking { until } => {
            Json(thought_through(desk, request.reference, until).await?).into_response()
        }
        Verdict::Untouched(fault) => delivery::untouched(fault, &hold),
    })
}

/// In a task of its own: the acquirer decides also when nobody waits any more.
async fn thought_through(
    desk: Arc<Desk>,
    reference: Reference,
    until: Instant,
) -> Result<Answer, Refusal> {
    let thought = tokio::spawn(async move {
        time::sleep_until(until).await;
        desk.ask(|acquirer, now| acquirer.settle(&reference, now))
            .await
    });
    thought.await.unwrap_or(Err(Refusal::Broken))
}

async fn enquire(State(desk): AtDesk, Named(reference): Named) -> Result<Json<Standing>, Problem> {
    Ok(Json(
        desk.ask(|acquirer, _| acquirer.enquire(&reference)).await?,
    ))
}

async fn capture(
    State(desk): AtDesk,
    ConnectInfo(hold): ConnectInfo<Hold>,
    Named(reference): Named,
    Asked(request): Asked<CaptureRequest>,
) -> Result<Response, Problem> {
    let (answer, fault) = desk
        .ask(|acquirer, now| acquirer.capture(&reference, &request, now))
        .await?;
    Ok(delivery::captured(answer, fault, &hold))
}

async fn void(State(desk): AtDesk, Named(reference): Named) -> Result<Json<Answer>, Problem> {
    Ok(Json(
        desk.ask(|acquirer, now| acquirer.void(&reference, now))
            .await?,
    ))
}

async fn refund(
    State(desk): AtDesk,
    Asked(request): Asked<RefundRequest>,
) -> Result<Json<Answer>, Problem> {
    Ok(Json(
        desk.ask(|acquirer, now| acquirer.refund(&request, now))
            .await?,
    ))
}

/// The log as it stands now. Read in the event loop: it comes from the page cache.
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
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::from_stream(chunks)).into_response())
}

async fn ok() -> &'static str {
    "ok"
}

/// A JSON body. Unlike axum's it answers every fault alike, quoting nothing:
/// what does not parse may hold a card number.
struct Asked<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body: Bytes = request.extract().await.map_err(|_| Problem::Malformed)?;
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|_| Problem::Malformed)
    }
}

/// The reference in the path.
struct Named(Reference);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<Reference>::from_request_parts(parts, state).await;
        path.map(|Path(reference)| Self(reference))
            .map_err(|_| Problem::Malformed)
    }
}

enum Problem {
    Malformed,
    Refused(Refusal),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Self::Malformed => delivery::error(StatusCode::BAD_REQUEST, "invalid_request"),
            Self::Refused(refusal) => delivery::error(status(refusal), &refusal.to_string()),
        }
    }
}

fn status(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::NotFound => StatusCode::NOT_FOUND,
        Refusal::ReferenceReused
        | Refusal::NotCapturable
        | Refusal::AlreadyCaptured
        | Refusal::NotCaptured
        | Refusal::NotRefundable => StatusCode::CONFLICT,
        Refusal::AmountExceeded | Refusal::CurrencyDiffers => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Broken => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
