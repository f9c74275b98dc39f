//! Webhook endpoints. Their signing secrets are derived, never stored.

use domain::id::{EndpointId, MerchantId};
use domain::merchant::Mode;
use domain::surface::Surface;
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::Result;

/// An endpoint to register.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose it is.
    pub merchant_id: MerchantId,
    /// Which events it hears.
    pub mode: Mode,
    /// In whose words it is told.
    pub surface: Surface,
    /// Where to post.
    pub url: String,
    /// The subscription in the surface's words; `*` is everything.
    pub events: Vec<String>,
    /// The merchant's own keys and values.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Sign with Ed25519 too.
    pub ed25519: bool,
}

/// Registers an endpoint; returns when, by the database's clock.
///
/// # Errors
/// If the database refuses.
pub async fn create(db: &PgPool, endpoint: &Endpoint) -> Result<OffsetDateTime> {
    let created_at = sqlx::query_scalar!(
        "insert into webhook_endpoints
             (id, merchant_id, live, surface, url, events, metadata, ed25519)
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning created_at",
        endpoint.id.0,
        endpoint.merchant_id.0,
        endpoint.mode.is_live(),
        endpoint.surface.name(),
        endpoint.url,
        &endpoint.events,
        serde_json::Value::Object(endpoint.metadata.clone()),
        endpoint.ed25519,
    )
    .fetch_one(db)
    .await?;
    Ok(created_at)
}
