//! Webhook endpoint responses.

use domain::id::EndpointId;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::health::health;
use crate::iso8601::seconds;
use crate::subscription;

health!("snake_case", String, seconds);

/// A webhook endpoint.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookEndpoint")]
pub struct Endpoint<'a> {
    /// Id of the endpoint, `whk_…`.
    id: String,
    /// URL that events are posted to.
    url: &'a str,
    /// Event types that the endpoint subscribes to; `*` means all.
    events: &'a [String],
    /// Status of the endpoint. A `disabled` endpoint receives no events.
    #[schemars(extend("enum" = ["active", "disabled"]))]
    status: &'static str,
    /// Creation time, in ISO 8601.
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    /// Key-value pairs that you attached to the object.
    metadata: &'a Map<String, Value>,
    /// Secret that signs the endpoint's webhooks, `whsec_…`. Returned only when the endpoint is
    /// created, or its secret is rolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    /// Public key that verifies the Ed25519 signatures, `whpk_…`. Present if the endpoint was
    /// created with signature `v1a`.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<&'a str>,
    #[serde(flatten)]
    health: Health<'a>,
}

impl<'a> Endpoint<'a> {
    /// Builds the response object from an endpoint, with the secret if it was just created.
    pub fn of(endpoint: &'a subscription::Endpoint, secret: Option<&'a str>) -> Self {
        let stored = &endpoint.stored;
        Self {
            id: stored.id.to_string(),
            url: &stored.url,
            events: &stored.events,
            status: subscription::status(stored.is_active),
            created_at: seconds(stored.created_at),
            metadata: &stored.metadata,
            secret,
            public_key: endpoint.public_key.as_deref(),
            health: Health::of(stored),
        }
    }
}

/// A deleted webhook endpoint, which receives no more events.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeletedWebhookEndpoint")]
pub struct DeletedEndpoint {
    /// Id of the deleted endpoint.
    id: String,
    /// Always `true`.
    deleted: bool,
}

impl DeletedEndpoint {
    /// Builds the response to deleting the endpoint with this id.
    pub fn of(id: EndpointId) -> Self {
        Self {
            id: id.to_string(),
            deleted: true,
        }
    }
}
