//! Webhook endpoints. Their signing secrets are derived, never stored.

mod sending;

use std::time::Duration;

use domain::delivery;
use domain::endpoint::{DisabledReason, Endpoint, Health, Status};
use domain::event::EventType;
use domain::id::{EndpointId, MerchantId};
use domain::merchant::Mode;
use domain::surface::Surface;
use serde_json::{Map, Value};
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

pub use self::sending::{Sent, resend, test};
use crate::page::readable;
use crate::{Error, Result, Tx};

/// A row, with the columns that every read selects.
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) merchant_id: Uuid,
    pub(crate) live: bool,
    pub(crate) surface: String,
    pub(crate) url: String,
    pub(crate) events: Vec<String>,
    pub(crate) metadata: Value,
    pub(crate) ed25519: bool,
    pub(crate) status: String,
    pub(crate) disabled_reason: Option<String>,
    pub(crate) failing_since: Option<OffsetDateTime>,
    pub(crate) failures: i32,
    /// Null when it has passed, like `previous_secret_until`.
    pub(crate) paused_until: Option<OffsetDateTime>,
    pub(crate) last_success_at: Option<OffsetDateTime>,
    pub(crate) last_error: Option<String>,
    pub(crate) last_error_at: Option<OffsetDateTime>,
    pub(crate) secret_version: i32,
    pub(crate) previous_secret_until: Option<OffsetDateTime>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

impl Row {
    pub(crate) fn read(self) -> Result<Endpoint> {
        self.endpoint().ok_or(Error::Unreadable {
            table: "webhook_endpoints",
        })
    }

    fn endpoint(self) -> Option<Endpoint> {
        let Value::Object(metadata) = self.metadata else {
            return None;
        };
        let disabled_reason = match self.disabled_reason {
            None => None,
            Some(name) => Some(DisabledReason::parse(&name)?),
        };
        Some(Endpoint {
            id: EndpointId(self.id),
            merchant_id: MerchantId(self.merchant_id),
            mode: Mode::of(self.live),
            surface: Surface::parse(&self.surface)?,
            url: self.url,
            events: self.events,
            metadata,
            ed25519: self.ed25519,
            is_active: self.status == Status::Active.name(),
            health: Health {
                failing_since: self.failing_since,
                failures: u32::try_from(self.failures).ok()?,
                paused_until: self.paused_until,
                last_success_at: self.last_success_at,
                last_error: self.last_error,
                last_error_at: self.last_error_at,
                disabled_reason,
            },
            secret_version: u32::try_from(self.secret_version).ok()?,
            previous_secret_until: self.previous_secret_until,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// The states of endpoints that merchants see.
fn visible() -> [&'static str; 2] {
    [Status::Active.name(), Status::Disabled.name()]
}

/// How many waiting deliveries are canceled at once with their endpoint, or made due at once when it is
/// active again. The others follow when they are due.
const WAITING_MAX: i64 = 1_000;

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
         where (select count(*) from kept_endpoints($2, $3)) < $10
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
        r#"select id, merchant_id, live, surface, url, events, metadata, ed25519, status, disabled_reason,
                  failing_since, failures,
                  case when paused_until > now() then paused_until end as paused_until,
                  last_success_at, last_error, last_error_at, secret_version,
                  case when previous_secret_until > now() then previous_secret_until end
                      as previous_secret_until,
                  created_at, updated_at
           from webhook_endpoints
           where id = $1 and merchant_id = $2 and live = $3 and (select act_for($2, $3))
             and surface = $4 and status = any($5)"#,
        id.0,
        merchant.0,
        mode.is_live(),
        surface.name(),
        &visible() as _,
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
        r#"select id as "id!", merchant_id as "merchant_id!", live as "live!", surface as "surface!",
                  url as "url!", events as "events!", metadata as "metadata!", ed25519 as "ed25519!",
                  status as "status!", disabled_reason, failing_since, failures as "failures!",
                  case when paused_until > now() then paused_until end as paused_until,
                  last_success_at, last_error, last_error_at, secret_version as "secret_version!",
                  case when previous_secret_until > now() then previous_secret_until end
                      as previous_secret_until,
                  created_at as "created_at!", updated_at as "updated_at!"
           from kept_endpoints($1, $2)
           where (select act_for($1, $2)) and surface = $3
           order by id desc"#,
        merchant.0,
        mode.is_live(),
        surface.name(),
    )
    .fetch_all(db)
    .await?;
    readable(rows.into_iter().map(Row::read))
}

/// Changes to an endpoint; `None` keeps the value.
#[derive(Debug, Default)]
pub struct Changes {
    /// Where to post.
    pub url: Option<String>,
    /// The subscription, as the surface names events, and the types that it selects.
    pub events: Option<(Vec<String>, Vec<EventType>)>,
    /// The merchant's own keys and values; replaces all of them.
    pub metadata: Option<Map<String, Value>>,
    /// Whether it receives events. One that becomes active is no longer failing, and its waiting deliveries
    /// are due within ten seconds.
    pub is_active: Option<bool>,
}

/// Changes a merchant's endpoint and returns it; `None` if there is no such endpoint.
pub async fn update(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    surface: Surface,
    id: EndpointId,
    changes: Changes,
) -> Result<Option<Endpoint>> {
    let (events, event_types) = changes.events.unzip();
    let status = changes.is_active.map(|is_active| {
        let status = if is_active {
            Status::Active
        } else {
            Status::Disabled
        };
        status.name()
    });
    let mut tx = crate::begin(db, merchant, mode).await?;
    let row = sqlx::query_as!(
        Row,
        r#"with before as (
             select id, coalesce($9, status) = $10 and status <> $10 as resumes
             from webhook_endpoints
             where id = $1 and merchant_id = $2 and live = $3 and surface = $4 and status = any($11)
             for no key update
         ), updated as (
             update webhook_endpoints w
             set url = coalesce($5, url), events = coalesce($6, events),
                 event_types = coalesce($7, event_types), metadata = coalesce($8, metadata),
                 status = coalesce($9, status), updated_at = now(),
                 disabled_reason = case when not b.resumes then disabled_reason end,
                 failures = case when b.resumes then 0 else failures end,
                 failing_since = case when not b.resumes then failing_since end,
                 paused_until = case when not b.resumes then paused_until end
             from before b where w.id = b.id
             returning w.*, b.resumes
         ), woken as (
             update jobs j
             set seq = seq + 1, due_at = now() + random() * interval '10 seconds', publish_count = 0
             where j.id = any(array(
                     select id from waiting_deliveries((select id from updated where resumes), $12)))
               -- "is true" keeps the planner from reading all jobs by the index jobs_due.
               and (j.due_at > now() and j.parked_at is null) is true
         )
         select id as "id!", merchant_id as "merchant_id!", live as "live!", surface as "surface!",
                url as "url!", events as "events!", metadata as "metadata!", ed25519 as "ed25519!",
                status as "status!", disabled_reason, failing_since, failures as "failures!",
                case when paused_until > now() then paused_until end as paused_until,
                last_success_at, last_error, last_error_at, secret_version as "secret_version!",
                case when previous_secret_until > now() then previous_secret_until end
                    as previous_secret_until,
                created_at as "created_at!", updated_at as "updated_at!"
         from updated"#,
        id.0,
        merchant.0,
        mode.is_live(),
        surface.name(),
        changes.url,
        events as _,
        event_types.map(|types| names(&types)) as _,
        changes.metadata.map(Value::Object) as _,
        status,
        Status::Active.name(),
        &visible() as _,
        WAITING_MAX,
    )
    .fetch_optional(&mut *tx)
    .await?;
    crate::commit(tx).await?;
    row.map(Row::read).transpose()
}

/// Gives a merchant's endpoint another secret, and returns it; the one before signs too for `overlap`.
/// `None` if there is no such endpoint.
pub async fn roll_secret(
    tx: &mut Tx,
    surface: Surface,
    id: EndpointId,
    overlap: Duration,
) -> Result<Option<Endpoint>> {
    let row = sqlx::query_as!(
        Row,
        r#"update webhook_endpoints
           set secret_version = secret_version + 1, updated_at = now(),
               previous_secret_until = case when $3 > 0::float8 then now() + make_interval(secs => $3) end
           where id = $1 and surface = $2 and status = any($4)
           returning id, merchant_id, live, surface, url, events, metadata, ed25519, status, disabled_reason,
                     failing_since, failures,
                     case when paused_until > now() then paused_until end as paused_until,
                     last_success_at, last_error, last_error_at, secret_version, previous_secret_until,
                     created_at, updated_at"#,
        id.0,
        surface.name(),
        overlap.as_secs_f64(),
        &visible() as _,
    )
    .fetch_optional(&mut **tx)
    .await?;
    row.map(Row::read).transpose()
}

/// Deletes a merchant's endpoint and cancels its open deliveries; the worker cancels those beyond
/// [`WAITING_MAX`] when they are due. `false` if there is no such endpoint.
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
               and status = any($7)
             returning id
         ), canceled as (
             update deliveries d set state = $6, updated_at = now()
             where d.id = any(array(select id from waiting_deliveries((select id from gone), $8)))
               and d.state = $9
             returning d.id
         ), cleared as (
             delete from jobs where id = any(array(select id from canceled))
         )
         select id from gone",
        id.0,
        merchant.0,
        mode.is_live(),
        surface.name(),
        Status::Deleted.name(),
        delivery::State::Canceled.name(),
        &visible() as _,
        WAITING_MAX,
        delivery::State::Delivering.name(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    crate::commit(tx).await?;
    Ok(gone.is_some())
}
