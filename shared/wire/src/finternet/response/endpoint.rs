//! Webhook endpoint responses.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::health::health;
use crate::subscription::{Endpoint, OBJECT, status};

health!("camelCase", i64, OffsetDateTime::unix_timestamp);

/// A webhook endpoint.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "WebhookEndpoint")]
pub struct WebhookEndpoint<'a> {
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
    /// Creation time, in Unix seconds.
    created: i64,
    /// Time of the last change, in Unix seconds.
    updated: i64,
}

impl<'a> WebhookEndpoint<'a> {
    pub(in crate::finternet) fn of(endpoint: &'a Endpoint, secret: Option<&'a str>) -> Self {
        let stored = &endpoint.stored;
        Self {
            id: stored.id.to_string(),
            object: OBJECT,
            url: &stored.url,
            events: &stored.events,
            status: status(stored.is_active),
            metadata: &stored.metadata,
            secret,
            public_key: endpoint.public_key.as_deref(),
            health: Health::of(stored),
            created: stored.created_at.unix_timestamp(),
            updated: stored.updated_at.unix_timestamp(),
        }
    }
}
