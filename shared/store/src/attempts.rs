//! The attempts to deliver webhooks, as merchants read them. `deliveries` records them.

use std::time::Duration;

use domain::delivery::Attempt;
use domain::event::EventType;
use domain::id::{AttemptId, EndpointId, EventId, MerchantId};
use domain::merchant::Mode;
use serde_json::Value;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::page::{Size, readable};
use crate::{Error, Result};

struct Row {
    id: Uuid,
    event_id: Uuid,
    event_type: String,
    attempt: i32,
    succeeded: bool,
    status: Option<i16>,
    error: Option<String>,
    duration_ms: i32,
    response: Option<String>,
    next_at: Option<OffsetDateTime>,
    at: OffsetDateTime,
}

impl Row {
    fn read(self) -> Result<Attempt> {
        let event_type = EventType::parse(&self.event_type);
        let event_type = event_type.ok_or(Error::Unreadable { table: "events" })?;
        Ok(Attempt {
            id: AttemptId(self.id),
            event_id: EventId(self.event_id),
            event_type,
            attempt: u32::try_from(self.attempt).unwrap_or_default(),
            succeeded: self.succeeded,
            status: self.status.and_then(|status| u16::try_from(status).ok()),
            error: self.error,
            duration: Duration::from_millis(u64::try_from(self.duration_ms).unwrap_or_default()),
            response: self.response,
            next_at: self.next_at,
            at: self.at,
        })
    }
}

/// Attempts of a merchant's endpoint that come after `after`, newest first; only those that succeeded, or
/// failed, if `succeeded` is set.
pub async fn list(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    endpoint: EndpointId,
    succeeded: Option<bool>,
    after: Option<AttemptId>,
    size: Size,
) -> Result<(Vec<Attempt>, bool)> {
    let mut tx = crate::begin(db, merchant, mode).await?;
    // Two ranges of one index, each in order.
    let rows = sqlx::query_as!(
        Row,
        r#"select a.id as "id!", d.event_id, e.type as event_type, a.attempt as "attempt!",
                  a.succeeded as "succeeded!", a.status, a.error, a.duration_ms as "duration_ms!",
                  a.response, a.next_at, a.at as "at!"
           from (
               (select * from delivery_attempts
                where endpoint_id = $1 and succeeded and id < $2 and $3 is not false
                order by id desc limit $4)
               union all
               (select * from delivery_attempts
                where endpoint_id = $1 and not succeeded and id < $2 and $3 is not true
                order by id desc limit $4)
           ) a
           join deliveries d on d.id = a.delivery_id
           join events e on e.id = d.event_id
           order by a.id desc limit $4"#,
        endpoint.0,
        after.map_or(Uuid::max(), |after| after.0),
        succeeded,
        size.queried(),
    );
    let (rows, has_more) = size.read(rows.fetch(&mut *tx), |_| &Value::Null).await?;
    Ok((readable(rows.into_iter().map(Row::read))?, has_more))
}

/// An attempt of a merchant's endpoint.
pub async fn get(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    endpoint: EndpointId,
    id: AttemptId,
) -> Result<Option<Attempt>> {
    let mut tx = crate::begin(db, merchant, mode).await?;
    let row = sqlx::query_as!(
        Row,
        r#"select a.id as "id!", d.event_id, e.type as event_type, a.attempt as "attempt!",
                  a.succeeded as "succeeded!", a.status, a.error, a.duration_ms as "duration_ms!",
                  a.response, a.next_at, a.at as "at!"
           from (
               select * from delivery_attempts where endpoint_id = $1 and succeeded and id = $2
               union all
               select * from delivery_attempts where endpoint_id = $1 and not succeeded and id = $2
           ) a
           join deliveries d on d.id = a.delivery_id
           join events e on e.id = d.event_id"#,
        endpoint.0,
        id.0,
    )
    .fetch_optional(&mut *tx)
    .await?;
    row.map(Row::read).transpose()
}
