//! How an answer travels: whole, or bent by the card's fault.

use std::time::Duration;

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    answer::Answer,
    cards::Fault,
    connection::{Ending, Hold},
    desk::Desk,
};

const SILENCE: Duration = Duration::from_mins(1);

/// The answer to a request for authorization that was approved just now.
pub(crate) async fn approved(answer: Answer, fault: Fault, desk: &Desk, hold: &Hold) -> Response {
    match fault {
        Fault::Silent => {
            desk.pause(SILENCE).await;
            hold.hang_up(Ending::Close)
        }
        Fault::ResetAfter => hold.hang_up(Ending::Reset),
        Fault::HalfAnswer => half(&answer),
        Fault::ErrorAfter => error(StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        Fault::StrangeAnswer => strange(&answer),
        _ => Json(answer).into_response(),
    }
}

/// The answer to a request that was not touched.
pub(crate) fn untouched(fault: Fault, hold: &Hold) -> Response {
    match fault {
        Fault::ResetBefore => hold.hang_up(Ending::Reset),
        _ => error(StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}

/// The answer to a capture done just now.
pub(crate) fn captured(answer: Answer, fault: Option<Fault>, hold: &Hold) -> Response {
    match fault {
        Some(Fault::CaptureLost) => hold.hang_up(Ending::Close),
        _ => Json(answer).into_response(),
    }
}

pub(crate) fn error(status: StatusCode, word: &str) -> Response {
    (status, Json(json!({ "error": word }))).into_response()
}

fn half(answer: &Answer) -> Response {
    let whole = json!(answer).to_string();
    let half: String = whole.chars().take(whole.len() / 2).collect();
    ([(header::CONTENT_TYPE, "application/json")], half).into_response()
}

fn strange(answer: &Answer) -> Response {
    let strange = json!({
        "reference": format!("{}-other", answer.reference),
        "status": answer.status,
        "authorization_code": answer.authorization_code,
        "amount": "999999.99",
        "currency": "USD",
    });
    Json(strange).into_response()
}
