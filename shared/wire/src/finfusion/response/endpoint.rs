//! A webhook endpoint.

use domain::id::EndpointId;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::at;
use crate::subscription;

/// A webhook endpoint.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookEndpoint")]
pub struct Endpoint<'a> {
    /// The endpoint's id, `whk_…`.
    id: String,
    /// Where events are posted.
    url: &'a str,
    /// What it is told of; `*` is everything.
    events: &'a [String],
    /// Whether it is told.
    #[schemars(extend("enum" = ["active", "disabled"]))]
    status: &'static str,
    /// When it was created.
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    /// Your own keys and values.
    metadata: &'a Map<String, Value>,
    /// What its webhooks are signed with, `whsec_…`. Shown when it is created and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    /// What verifies the Ed25519 signatures, `whpk_…`, where `v1a` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<&'a str>,
}

impl<'a> Endpoint<'a> {
    /// The endpoint as this contract writes it; with its secret when it was just made.
    pub fn of(endpoint: &'a subscription::Endpoint, secret: Option<&'a str>) -> Self {
        Self {
            id: endpoint.id.to_string(),
            url: &endpoint.url,
            events: &endpoint.events,
            status: subscription::status(endpoint.is_active),
            created_at: at(endpoint.created_at),
            metadata: &endpoint.metadata,
            secret,
            public_key: endpoint.public_key.as_deref(),
        }
    }

    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

/// A webhook endpoint that is told nothing any more.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeletedWebhookEndpoint")]
pub struct DeletedEndpoint {
    /// What the endpoint's id was.
    id: String,
    /// Always true.
    deleted: bool,
}

impl DeletedEndpoint {
    /// The endpoint that had this id.
    pub fn of(id: EndpointId) -> Self {
        Self {
            id: id.to_string(),
            deleted: true,
        }
    }

    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}
