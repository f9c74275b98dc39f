//! Webhook endpoints. Their signing secrets are derived, never stored.

use domain::delivery;
use domain::endpoint::Status;
use domain::event::EventType;
use domain::id::{EndpointId, MerchantId};
use domain::merchant::Mode;
use domain::surface::Surface;
use serde_json::{Map, Value};
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Error, Result, Tx};

/// An endpoint.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Its merchant.
    pub merchant_id: MerchantId,
    /// It receives only events of this mode.
    pub mode: Mode,
    /// The surface whose event format it receives.
    pub surface: Surface,
    /// Where to post.
    pub url: String,
    /// The subscription, as the surface names events; `*` is everything.
    pub events: Vec<String>,
    /// The merchant's own keys and values.
    pub metadata: Map<String, Value>,
    /// Whether to sign with Ed25519 too.
    pub ed25519: bool,
    /// Whether it receives new events.
    pub is_active: bool,
    /// When it was registered.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

struct Row {
    id: Uuid,
    merchant_id: Uuid,
    live: bool,
    surface: String,
    url: String,
    events: Vec<String>,
    metadata: Value,
    ed25519: bool,
    status: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl Row {
    fn read(self) -> Result<Endpoint> {
        let unreadable = Error::Unreadable {
            table: "webhook_endpoints",
        };
        let (Some(surface), Value::Object(metadata)) =
            (Surface::parse(&self.surface), self.metadata)
        else {
            return Err(unreadable);
        };
        Ok(Endpoint {
            id: EndpointId(self.id),
            merchant_id: MerchantId(self.merchant_id),
            mode: Mode::of(self.live),
            surface,
            url: self.url,
            events: self.events,
            metadata,
            ed25519: self.ed25519,
            is_active: self.status == Status::Active.name(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// The most endpoints of a merchant in each mode. A limit, because the transition that causes an event
/// also writes a delivery for each endpoint.
pub const ENDPOINTS_MAX: i64 = 16;

/// Registers an endpoint for these event types. Returns its creation time by the database's clock, or
/// `None` if the merchant already has [`ENDPOINTS_MAX`].
pub async fn create(
    tx: &mut Tx,
    endpoint: &Endpoint,
    event_types: &[EventType],
) -> Result<Option<OffsetDateTime>> {
    // One registration at a time per merchant and mode; otherwise two could both count one below the
    // limit and exceed it.
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1::text, $2))",
        endpoint.merchant_id.0.to_string(),
        i64::from(endpoint.mode.is_live()),
    )
    .execute(&mut **tx)
    .await?;
    let created_at = sqlx::query_scalar!(
        "insert into webhook_endpoints
             (id, merchant_id, live, surface, url, events, event_types, metadata, ed25519)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9
         where (select count(*) from webhook_endpoints
                where merchant_id = $2 and live = $3 and status <> $11) < $10
         returning created_at",
        endpoint.id.0,
        endpoint.merchant_id.0,
        endpoint.mode.is_live(),
        endpoint.surface.name(),
        endpoint.url,
        &endpoint.events,
        &names(event_types) as _,
        Value::Object(endpoint.metadata.clone()),
        endpoint.ed25519,
        ENDPOINTS_MAX,
        Status::Deleted.name(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(created_at)
}

fn names(event_types: &[EventType]) -> Vec<&'static str> {
    event_types
        .iter()
        .map(|event_type| event_type.name())
        .collect()
}

/// A merchant's endpoint of this surface.
pub async fn get(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    surface: Surface,
    id: EndpointId,
) -> Result<Option<Endpoint>> {
    let row = sqlx::query_as!(
        Row,
        "select id, merchant_id, live, surface, url, events, metadata, ed25519, status, created_at,
                updated_at
         from webhook_endpoints
         where id = $1 and merchant_id = $2 and live = $3 and (select act_for($2, $3))
           and surface = $4 and status <> $5",
        id.0,
        merchant.0,
        mode.is_live(),
        surface.name(),
        Status::Deleted.name(),
    )
    .fetch_optional(db)
    .await?;
    row.map(Row::read).transpose()
}

/// A merchant's endpoints of this surface, newest first; never more than [`ENDPOINTS_MAX`].
pub async fn list(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    surface: Surface,
) -> Result<Vec<Endpoint>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, merchant_id, live, surface, url, events, metadata, ed25519, status, created_at,
                updated_at
         from webhook_endpoints
         where merchant_id = $1 and live = $2 and (select act_for($1, $2)) and surface = $3
           and status <> $4
         order by id desc",
        merchant.0,
        mode.is_live(),
        surface.name(),
        Status::Deleted.name(),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Updates an endpoint. Returns the time by the database's clock, or `None` if the endpoint has been
/// deleted meanwhile.
pub async fn update(
    db: &PgPool,
    endpoint: &Endpoint,
    event_types: &[EventType],
) -> Result<Option<OffsetDateTime>> {
    let status = if endpoint.is_active {
        Status::Active
    } else {
        Status::Disabled
    };
    let updated_at = sqlx::query_scalar!(
        "update webhook_endpoints
         set url = $4, events = $5, event_types = $6, metadata = $7, status = $8, updated_at = now()
         where id = $1 and merchant_id = $2 and live = $3 and (select act_for($2, $3))
           and status <> $9
         returning updated_at",
        endpoint.id.0,
        endpoint.merchant_id.0,
        endpoint.mode.is_live(),
        endpoint.url,
        &endpoint.events,
        &names(event_types) as _,
        Value::Object(endpoint.metadata.clone()),
        status.name(),
        Status::Deleted.name(),
    )
    .fetch_optional(db)
    .await?;
    Ok(updated_at)
}

/// Deletes a merchant's endpoint and cancels its open deliveries. `false` if there is no such
/// endpoint.
pub async fn delete(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    surface: Surface,
    id: EndpointId,
) -> Result<bool> {
    let mut tx = crate::begin(db, merchant, mode).await?;
    let gone = sqlx::query_scalar!(
        "with gone as (
             update webhook_endpoints set status = $5, updated_at = now()
             where id = $1 and merchant_id = $2 and live = $3 and surface = $4
               and status <> $5
             returning id
         ), canceled as (
             update deliveries d set state = $6, updated_at = now()
             from gone g where d.endpoint_id = g.id and d.state = $7
             returning d.id
         ), cleared as (
             delete from jobs o using canceled c where o.id = c.id
         )
         select id from gone",
        id.0,
        merchant.0,
        mode.is_live(),
        surface.name(),
        Status::Deleted.name(),
        delivery::State::Canceled.name(),
        delivery::State::Delivering.name(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    crate::commit(tx).await?;
    Ok(gone.is_some())
}
