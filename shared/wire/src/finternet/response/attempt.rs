//! The attempts to deliver webhooks.

use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;

use crate::attempt::{self, Named};

/// An attempt to deliver a webhook.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookAttempt<'a> {
    /// Id of the attempt, `att_…`.
    id: String,
    /// Always `webhook_attempt`.
    #[schemars(extend("const" = attempt::OBJECT))]
    object: &'static str,
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
    /// Time of the next attempt as planned after this one, in Unix seconds; null if this was the last.
    next_attempt: Option<i64>,
    /// Time of the attempt, in Unix seconds.
    created: i64,
}

impl<'a> WebhookAttempt<'a> {
    /// Builds the response object from an attempt.
    pub(super) fn of(named: &'a Named) -> Self {
        let attempt = &named.attempt;
        Self {
            id: attempt.id.to_string(),
            object: attempt::OBJECT,
            event_id: attempt.event_id.to_string(),
            event_type: named.event_type,
            attempt: attempt.attempt,
            status: named.status(),
            status_code: attempt.status,
            error: attempt.failure(),
            duration_ms: named.duration_ms(),
            response: attempt.response.as_deref(),
            next_attempt: attempt.next_at.map(OffsetDateTime::unix_timestamp),
            created: OffsetDateTime::unix_timestamp(attempt.at),
        }
    }
}

/// A webhook that is about to be sent. List the endpoint's attempts to see the result.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookDelivery {
    /// Id of the delivery, `dlv_…`.
    id: String,
    /// Always `webhook_delivery`.
    #[schemars(extend("const" = attempt::DELIVERY))]
    object: &'static str,
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
            object: attempt::DELIVERY,
            event_id: delivery.event_id.to_string(),
            event_type: delivery.event_type,
            status: attempt::PENDING,
        }
    }
}
