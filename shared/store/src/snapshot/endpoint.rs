//! Webhook endpoints.

use domain::endpoint::{DisabledReason, Endpoint, Health};
use domain::id::EndpointId;
use domain::surface::Surface;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{Header, time};

#[derive(Serialize, Deserialize)]
pub(super) struct EndpointV1 {
    surface: String,
    url: String,
    events: Vec<String>,
    metadata: Map<String, Value>,
    ed25519: bool,
    is_active: bool,
    failing_since: Option<i64>,
    failures: u32,
    paused_until: Option<i64>,
    last_success_at: Option<i64>,
    last_error: Option<String>,
    last_error_at: Option<i64>,
    disabled_reason: Option<String>,
    secret_version: u32,
    previous_secret_until: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl EndpointV1 {
    pub(super) fn of(endpoint: &Endpoint) -> Self {
        let seconds = |time: Option<OffsetDateTime>| time.map(OffsetDateTime::unix_timestamp);
        let health = &endpoint.health;
        Self {
            surface: endpoint.surface.name().to_owned(),
            url: endpoint.url.clone(),
            events: endpoint.events.clone(),
            metadata: endpoint.metadata.clone(),
            ed25519: endpoint.ed25519,
            is_active: endpoint.is_active,
            failing_since: seconds(health.failing_since),
            failures: health.failures,
            paused_until: seconds(health.paused_until),
            last_success_at: seconds(health.last_success_at),
            last_error: health.last_error.clone(),
            last_error_at: seconds(health.last_error_at),
            disabled_reason: health.disabled_reason.map(|one| one.name().to_owned()),
            secret_version: endpoint.secret_version,
            previous_secret_until: seconds(endpoint.previous_secret_until),
            created_at: endpoint.created_at.unix_timestamp(),
            updated_at: endpoint.updated_at.unix_timestamp(),
        }
    }

    pub(super) fn read(self, header: &Header) -> Option<Endpoint> {
        let disabled_reason = match self.disabled_reason {
            None => None,
            Some(name) => Some(DisabledReason::parse(&name)?),
        };
        Some(Endpoint {
            id: EndpointId(header.subject_id),
            merchant_id: header.merchant_id,
            mode: header.mode,
            surface: Surface::parse(&self.surface)?,
            url: self.url,
            events: self.events,
            metadata: self.metadata,
            ed25519: self.ed25519,
            is_active: self.is_active,
            health: Health {
                failing_since: self.failing_since.and_then(time),
                failures: self.failures,
                paused_until: self.paused_until.and_then(time),
                last_success_at: self.last_success_at.and_then(time),
                last_error: self.last_error,
                last_error_at: self.last_error_at.and_then(time),
                disabled_reason,
            },
            secret_version: self.secret_version,
            previous_secret_until: self.previous_secret_until.and_then(time),
            created_at: time(self.created_at)?,
            updated_at: time(self.updated_at)?,
        })
    }
}
