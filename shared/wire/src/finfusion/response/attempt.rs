//! The attempts to deliver webhooks.

use schemars::JsonSchema;
use serde::Serialize;

use crate::attempt::{self, Named};
use crate::iso8601::seconds;

/// An attempt to deliver a webhook.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WebhookAttempt<'a> {
    /// Id of the attempt, `att_…`.
    id: String,
    /// Id of the event that was sent, `evt_…`.
    event_id: String,
    /// Type of the event.
    event_type: &'static str,
    /// Number of the attempt, from 1. A resend starts at 1 again.
    attempt: u32,
    /// Whether the endpoint responded with 2xx.
    #[schemars(extend("enum" = ["succeeded", "failed"]))]
    status: &'static str,
    /// HTTP status of the response; null if there was none.
    status_code: Option<u16>,
    /// Why the attempt failed; null if it succeeded.
    error: Option<String>,
    /// How long the attempt took, in milliseconds.
    duration_ms: u64,
    /// Beginning of the response, at most 1 KiB of text. Show it as text, never as HTML.
    response: Option<&'a str>,
    /// Time of the next attempt as planned after this one, in ISO 8601; null if this was the last.
    #[schemars(extend("format" = "date-time"))]
    next_attempt_at: Option<String>,
    /// Time of the attempt, in ISO 8601.
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
}

impl<'a> WebhookAttempt<'a> {
    /// Builds the response object from an attempt.
    pub fn of(named: &'a Named) -> Self {
        let attempt = &named.attempt;
        Self {
            id: attempt.id.to_string(),
            event_id: attempt.event_id.to_string(),
            event_type: named.event_type,
            attempt: attempt.attempt,
            status: named.status(),
            status_code: attempt.status,
            error: attempt.failure(),
            duration_ms: named.duration_ms(),
            response: attempt.response.as_deref(),
            next_attempt_at: attempt.next_at.map(seconds),
            created_at: seconds(attempt.at),
        }
    }
}

/// A webhook that is about to be sent. List the endpoint's attempts to see the result.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WebhookDelivery {
    /// Id of the delivery, `dlv_…`.
    id: String,
    /// Id of the event that is sent, `evt_…`.
    event_id: String,
    /// Type of the event.
    event_type: &'static str,
    /// Always `pending`.
    #[schemars(extend("const" = attempt::PENDING))]
    status: &'static str,
}

impl WebhookDelivery {
    /// Builds the response object from a delivery.
    pub fn of(delivery: &attempt::Delivery) -> Self {
        Self {
            id: delivery.id.to_string(),
            event_id: delivery.event_id.to_string(),
            event_type: delivery.event_type,
            status: attempt::PENDING,
        }
    }
}
