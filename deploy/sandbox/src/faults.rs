//! Creates the responses that a card's fault changes or suppresses.

use std::time::Duration;

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    cards::Fault,
    connection::{ConnectionHandle, Ending},
    response::StatusResponse,
    shared::SharedAcquirer,
};

const SILENCE: Duration = Duration::from_mins(1);

/// The response to an authorization request that was approved just now.
pub(crate) async fn approved(
    response: StatusResponse,
    fault: Fault,
    acquirer: &SharedAcquirer,
    handle: &ConnectionHandle,
) -> Response {
    match fault {
        Fault::Silent => {
            acquirer.pause(SILENCE).await;
            handle.end(Ending::Close)
        }
        Fault::ResetAfter => handle.end(Ending::Reset),
        Fault::TruncatedResponse => truncated(&response),
        Fault::ErrorAfter => error(StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        Fault::WrongResponse => wrong(&response),
        _ => Json(response).into_response(),
    }
}

/// The response to a request that was not processed.
pub(crate) fn not_processed(fault: Fault, handle: &ConnectionHandle) -> Response {
    match fault {
        Fault::ResetBefore => handle.end(Ending::Reset),
        _ => error(StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}

/// The response to a capture that was made just now.
pub(crate) fn captured(
    response: StatusResponse,
    fault: Option<Fault>,
    handle: &ConnectionHandle,
) -> Response {
    match fault {
        Some(Fault::CaptureLost) => handle.end(Ending::Close),
        _ => Json(response).into_response(),
    }
}

pub(crate) fn error(status: StatusCode, code: &str) -> Response {
    (status, Json(json!({ "error": code }))).into_response()
}

fn truncated(response: &StatusResponse) -> Response {
    let body = json!(response).to_string();
    let half: String = body.chars().take(body.len() / 2).collect();
    ([(header::CONTENT_TYPE, "application/json")], half).into_response()
}

fn wrong(response: &StatusResponse) -> Response {
    let body = json!({
        "reference": format!("{}-other", response.reference),
        "status": response.status,
        "authorization_code": response.authorization_code,
        "amount": "999999.99",
        "currency": "USD",
    });
    Json(body).into_response()
}
