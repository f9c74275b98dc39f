//! How endpoints fare: failures in a row, pauses, and endpoints that are disabled because they fail.

use std::collections::BTreeMap;

use domain::delivery::{FAILING_MAX, PAUSE_AFTER, PAUSE_MAX, PAUSE_MIN};
use domain::endpoint::{DisabledReason, Status};
use domain::event::{Event, EventType, Subject};
use domain::id::EndpointId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::DeliveryAttempt;
use crate::Result;
use crate::effects::{self, Effects};
use crate::endpoints::Row;

/// The status of an endpoint that wants no more webhooks.
const GONE: u16 = 410;

/// What the attempts of one batch say of one endpoint.
#[derive(Debug, Serialize)]
pub(super) struct Health<'a> {
    id: Uuid,
    accepted: bool,
    error: Option<String>,
    /// Where it responded with 410 Gone.
    gone: Option<&'a str>,
}

/// What to record. However many attempts of one batch fail, they count once: they were made at about the
/// same time. An endpoint that works costs one write a minute.
pub(super) fn of(rows: &[DeliveryAttempt]) -> Vec<Health<'_>> {
    let mut all = BTreeMap::new();
    for row in rows {
        let is_accepted = row.is_accepted();
        if is_accepted && row.has_recent_success && !row.was_failing {
            continue;
        }
        let health = all.entry(row.endpoint_id.0).or_insert_with(|| Health {
            id: row.endpoint_id.0,
            accepted: false,
            error: None,
            gone: None,
        });
        health.accepted |= is_accepted;
        health.error = row.failure().or_else(|| health.error.take());
        if row.status == Some(GONE) {
            health.gone = Some(&row.url);
        }
    }
    all.into_values().collect()
}

/// Counts failures in a row, pauses an endpoint after [`PAUSE_AFTER`] of them, and disables one that is gone
/// or has failed for [`FAILING_MAX`]. An address that the merchant has replaced since is not gone. Returns the
/// endpoints that are paused now.
pub(super) async fn record(
    db: &mut PgConnection,
    health: &[Health<'_>],
) -> Result<Vec<EndpointId>> {
    let rows = sqlx::query!(
        r#"update webhook_endpoints w
           set failures = case when h.accepted then 0 else least(w.failures + 1, 1000) end,
               failing_since = case when not h.accepted then coalesce(w.failing_since, now()) end,
               paused_until = case when not h.accepted and w.failures + 1 >= $2
                   then now() + make_interval(secs => least($4, $3 * power(2, least(w.failures + 1 - $2, 20)))) end,
               last_success_at = case when h.accepted then now() else w.last_success_at end,
               last_error = coalesce(h.error, w.last_error),
               last_error_at = case when h.error is null then w.last_error_at else now() end
           from jsonb_to_recordset($1) as h(id uuid, accepted boolean, error text, gone text)
           where w.id = h.id
             and (h.accepted or h.gone is not null or w.paused_until is null or w.paused_until <= now())
           returning w.id, coalesce(not h.accepted and w.url = h.gone, false) as "is_gone!",
                     w.paused_until is not null as "is_paused!",
                     coalesce(w.failing_since <= now() - make_interval(secs => $5) and w.failures >= $2, false)
                         as "is_failing!""#,
        Json(health) as _,
        PAUSE_AFTER,
        PAUSE_MIN.as_secs_f64(),
        PAUSE_MAX.as_secs_f64(),
        FAILING_MAX.as_secs_f64(),
    )
    .fetch_all(&mut *db)
    .await?;
    let mut paused = Vec::new();
    for row in rows {
        if row.is_gone {
            disable(db, row.id, DisabledReason::Gone).await?;
        } else if row.is_failing {
            disable(db, row.id, DisabledReason::Failing).await?;
        } else if row.is_paused {
            paused.push(EndpointId(row.id));
        }
    }
    Ok(paused)
}

/// Disables an active endpoint, and tells the merchant's other endpoints.
async fn disable(db: &mut PgConnection, id: Uuid, reason: DisabledReason) -> Result<()> {
    let row = sqlx::query_as!(
        Row,
        r#"update webhook_endpoints
           set status = $2, disabled_reason = $3, updated_at = now(), paused_until = null
           where id = $1 and status = $4
           returning id, merchant_id, live, surface, url, events, metadata, ed25519, status, disabled_reason,
                     failing_since, failures, paused_until, last_success_at, last_error, last_error_at,
                     secret_version, previous_secret_until, created_at, updated_at"#,
        id,
        Status::Disabled.name(),
        reason.name(),
        Status::Active.name(),
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(()) };
    let endpoint = row.read()?;
    let effects = Effects::new(endpoint.merchant_id, endpoint.mode);
    let event = Event {
        event_type: EventType::EndpointDisabled,
        subject: Subject::Endpoint(endpoint),
    };
    // The scheduler publishes the deliveries.
    effects::record(db, &effects.event(&event)).await?;
    Ok(())
}
