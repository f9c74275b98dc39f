//! Webhook endpoint responses.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::subscription::{self, OBJECT};

/// A webhook endpoint.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookEndpoint")]
pub struct Endpoint<'a> {
    /// Id of the endpoint, `whk_…`.
    id: String,
    /// Always `webhook_endpoint`.
    #[schemars(extend("const" = OBJECT))]
    object: &'static str,
    /// URL that events are posted to.
    url: &'a str,
    /// Event types that the endpoint subscribes to; `*` means all.
    events: &'a [String],
    /// Status of the endpoint. A `disabled` endpoint receives no events.
    #[schemars(extend("enum" = ["active", "disabled"]))]
    status: &'static str,
    /// Creation time, in Unix seconds.
    created: i64,
    /// Key-value pairs that you attached to the object.
    #[serde(skip_serializing_if = "Map::is_empty")]
    metadata: &'a Map<String, Value>,
    /// Secret that signs the endpoint's webhooks, `whsec_…`. Returned only when the endpoint is
    /// created.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    /// Public key that verifies the Ed25519 signatures, `whpk_…`. Present if the endpoint was
    /// created with signature `v1a`.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<&'a str>,
}

impl<'a> Endpoint<'a> {
    /// Builds the response object from an endpoint, with the secret if it was just created.
    pub fn of(endpoint: &'a subscription::Endpoint, secret: Option<&'a str>) -> Self {
        Self {
            id: endpoint.id.to_string(),
            object: OBJECT,
            url: &endpoint.url,
            events: &endpoint.events,
            status: subscription::status(endpoint.is_active),
            created: endpoint.created_at.unix_timestamp(),
            metadata: &endpoint.metadata,
            secret,
            public_key: endpoint.public_key.as_deref(),
        }
    }
}
