//! A webhook endpoint for demos and tests. It stores what it receives, and responds with the
//! `status` in the URL's query, or 200.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Stored webhooks per receiver; older ones are dropped.
const WEBHOOKS_MAX: usize = 1000;
const NAMES_MAX: usize = 1000;

#[derive(Clone, Debug, Default)]
struct Receivers(Arc<Mutex<HashMap<String, VecDeque<Webhook>>>>);

#[derive(Clone, Debug, Serialize)]
struct Webhook {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    headers: BTreeMap<String, String>,
    body: String,
}

#[derive(Debug, Deserialize)]
struct ReceiveQuery {
    status: Option<u16>,
}

pub(crate) fn routes() -> Router {
    let handlers = post(receive).get(list).delete(clear);
    Router::new()
        .route("/receivers/{name}", handlers)
        .with_state(Receivers::default())
}

impl Receivers {
    fn all(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Webhook>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn receive(
    State(receivers): State<Receivers>,
    Path(name): Path<String>,
    Query(query): Query<ReceiveQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let status = query
        .status
        .map_or(Ok(StatusCode::OK), StatusCode::from_u16);
    let Some(status) = status.ok().filter(|status| !status.is_informational()) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut all = receivers.all();
    if all.len() >= NAMES_MAX && !all.contains_key(&name) {
        return StatusCode::INSUFFICIENT_STORAGE;
    }
    let received = all.entry(name).or_default();
    if received.len() >= WEBHOOKS_MAX {
        received.pop_front();
    }
    received.push_back(webhook(&headers, &body));
    status
}

fn webhook(headers: &HeaderMap, body: &[u8]) -> Webhook {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let text = texts.entry(name.to_string()).or_default();
        let comma = if text.is_empty() { "" } else { ", " };
        *text = format!("{text}{comma}{value}");
    }
    let body = String::from_utf8_lossy(body).into_owned();
    Webhook {
        at: OffsetDateTime::now_utc(),
        headers: texts,
        body,
    }
}

async fn list(State(receivers): State<Receivers>, Path(name): Path<String>) -> Response {
    let all = receivers.all();
    Json(all.get(&name).unwrap_or(&VecDeque::new())).into_response()
}

async fn clear(State(receivers): State<Receivers>, Path(name): Path<String>) -> StatusCode {
    receivers.all().remove(&name);
    StatusCode::NO_CONTENT
}
