//! Webhook endpoints. Their signing secrets are derived, never stored.

use domain::id::{EndpointId, MerchantId};
use domain::merchant::Mode;
use domain::surface::Surface;
use serde_json::{Map, Value};
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
    pub metadata: Map<String, Value>,
    /// Sign with Ed25519 too.
    pub ed25519: bool,
}

/// Endpoints that a merchant may have in each mode: every event is written to all of them at once.
pub const ENDPOINTS_MAX: i64 = 16;

/// Registers an endpoint; returns when, by the database's clock, or `None` if the merchant has
/// [`ENDPOINTS_MAX`] already.
///
/// # Errors
/// If the database refuses.
pub async fn create(db: &PgPool, endpoint: &Endpoint) -> Result<Option<OffsetDateTime>> {
    let created_at = sqlx::query_scalar!(
        "insert into webhook_endpoints
             (id, merchant_id, live, surface, url, events, metadata, ed25519)
         select $1, $2, $3, $4, $5, $6, $7, $8
         where (select count(*) from webhook_endpoints where merchant_id = $2 and live = $3) < $9
         returning created_at",
        endpoint.id.0,
        endpoint.merchant_id.0,
        endpoint.mode.is_live(),
        endpoint.surface.name(),
        endpoint.url,
        &endpoint.events,
        Value::Object(endpoint.metadata.clone()),
        endpoint.ed25519,
        ENDPOINTS_MAX,
    )
    .fetch_optional(db)
    .await?;
    Ok(created_at)
}
