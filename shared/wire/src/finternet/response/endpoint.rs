//! A webhook endpoint.

use domain::id::EndpointId;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::subscription::{Endpoint, status};

/// A webhook endpoint.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "WebhookEndpoint")]
pub struct WebhookEndpoint<'a> {
    /// The endpoint's id, `whk_…`.
    id: String,
    /// Always `webhook_endpoint`.
    #[schemars(extend("const" = WebhookEndpoint::OBJECT))]
    object: &'static str,
    /// Where events are posted.
    url: &'a str,
    /// What it is told of; `*` is everything.
    events: &'a [String],
    /// Whether it is told.
    #[schemars(extend("enum" = ["active", "disabled"]))]
    status: &'static str,
    /// Your own keys and values.
    metadata: &'a Map<String, Value>,
    /// What its webhooks are signed with, `whsec_…`. Shown when it is created and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    /// What verifies the Ed25519 signatures, `whpk_…`, where `v1a` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<&'a str>,
    /// When it was registered, Unix seconds.
    created: i64,
    /// When it was last changed, Unix seconds.
    updated: i64,
}

impl<'a> WebhookEndpoint<'a> {
    pub(super) const OBJECT: &'static str = "webhook_endpoint";

    pub(super) fn of(endpoint: &'a Endpoint, secret: Option<&'a str>) -> Self {
        Self {
            id: endpoint.id.to_string(),
            object: Self::OBJECT,
            url: &endpoint.url,
            events: &endpoint.events,
            status: status(endpoint.is_active),
            metadata: &endpoint.metadata,
            secret,
            public_key: endpoint.public_key.as_deref(),
            created: endpoint.created_at.unix_timestamp(),
            updated: endpoint.updated_at.unix_timestamp(),
        }
    }
}

/// A webhook endpoint that is told nothing any more.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeletedWebhookEndpoint")]
pub struct DeletedEndpoint {
    /// What the endpoint's id was.
    id: String,
    /// Always `webhook_endpoint`.
    #[schemars(extend("const" = WebhookEndpoint::OBJECT))]
    object: &'static str,
    /// Always true.
    deleted: bool,
}

impl DeletedEndpoint {
    /// The endpoint that had this id.
    pub fn of(id: EndpointId) -> Self {
        Self {
            id: id.to_string(),
            object: WebhookEndpoint::OBJECT,
            deleted: true,
        }
    }

    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}
