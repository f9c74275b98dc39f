//! Deliveries: claimed by the webhook worker, recorded after each try.

use std::collections::HashMap;
use std::time::Duration;

use domain::delivery::State;
use domain::event::Event;
use domain::id::{DeliveryId, EndpointId, EventId, MerchantId};
use domain::merchant::Mode;
use domain::surface::Surface;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::batch::Statement;
use crate::{Error, Result};

/// How long a claimed delivery is left to its worker; longer than any endpoint is waited for.
pub const LEASE_SECONDS: f64 = 30.0;

/// A ring of the webhook worker's bell, on its way to a claim.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// The ring's sequence; a stale one claims nothing.
    pub seq: i64,
    /// Names this claim.
    pub lease: Uuid,
}

/// A delivery in the webhook worker's hands until the lease ends.
#[derive(Debug)]
pub struct Claimed {
    /// The delivery.
    pub id: DeliveryId,
    /// The how many-th try this is, from 1.
    pub attempt: u32,
    /// Consecutive claims without a recorded try, this one included.
    pub claims: i16,
    /// The bytes of earlier tries.
    pub body: Option<String>,
    /// The event's id, the same for every endpoint and try.
    pub event_id: EventId,
    /// What happened.
    pub event: Event,
    /// When it happened.
    pub happened_at: OffsetDateTime,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// Whose it is.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// In whose words it is told.
    pub surface: Surface,
    /// Where to post.
    pub url: String,
    /// Sign with Ed25519 too.
    pub ed25519: bool,
}

/// Neither a claim nor a try waits for the disk: lost with the database, they are made again, and the
/// endpoint hears once more what it has heard under the same id. That an event is to be told is
/// on the disk since the change it tells of.
impl Statement for Claim {
    type Row = Claim;
    /// `None`: somebody else holds the job, or the ring is stale.
    type Output = Option<Claimed>;

    async fn run(db: &mut PgConnection, rows: &[Claim]) -> Result<Vec<Option<Self::Output>>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.delivery_id.0).collect();
        let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
        let leases: Vec<Uuid> = rows.iter().map(|row| row.lease).collect();
        let claimed = sqlx::query!(
            r#"
            with commit_mode as materialized (
                select set_config('synchronous_commit', 'off', true)
            ), input as (
                select * from unnest($1::uuid[], $2::bigint[], $3::uuid[]) as i(id, seq, lease)
            ), claimed as (
                update jobs o
                set lease = i.lease,
                    leased_until = now() + make_interval(secs => $4),
                    due_at = now() + make_interval(secs => $4),
                    attempts = least(o.attempts + 1, 1000),
                    publish_count = 0
                from commit_mode, input i
                where o.worker = 'webhook' and o.id = i.id and o.seq = i.seq and o.parked_at is null
                  and (o.leased_until is null or o.leased_until < now() or o.lease = i.lease)
                returning o.id, o.lease, o.attempts
            )
            select c.lease as "lease!", c.attempts as "claims!", d.id, d.attempts, d.body,
                   e.id as event_id, e.notice, e.created_at, w.id as endpoint_id, w.merchant_id,
                   w.live, w.surface, w.url, w.ed25519
            from claimed c
            join deliveries d on d.id = c.id
            join events e on e.id = d.event_id
            join webhook_endpoints w on w.id = d.endpoint_id
            "#,
            &ids,
            &seqs,
            &leases,
            LEASE_SECONDS,
        )
        .fetch_all(db)
        .await?;
        let mut found = HashMap::with_capacity(claimed.len());
        for row in claimed {
            let surface = Surface::parse(&row.surface).ok_or(Error::Unreadable {
                table: "webhook_endpoints",
            })?;
            let event = serde_json::from_value(row.notice)
                .map_err(|_| Error::Unreadable { table: "events" })?;
            let claimed = Claimed {
                id: DeliveryId(row.id),
                attempt: u32::try_from(row.attempts)
                    .unwrap_or_default()
                    .saturating_add(1),
                claims: row.claims,
                body: row.body,
                event_id: EventId(row.event_id),
                event,
                happened_at: row.created_at,
                endpoint_id: EndpointId(row.endpoint_id),
                merchant_id: MerchantId(row.merchant_id),
                mode: Mode::of(row.live),
                surface,
                url: row.url,
                ed25519: row.ed25519,
            };
            found.insert(row.lease, claimed);
        }
        Ok(rows
            .iter()
            .map(|row| Some(found.remove(&row.lease)))
            .collect())
    }
}

/// What came of a try.
#[derive(Debug, Clone)]
pub struct DeliveryAttempt {
    /// The delivery.
    pub id: DeliveryId,
    /// The how many-th try it was.
    pub attempt: u32,
    /// The state that follows.
    pub state: State,
    /// How long until the next try, if there is one.
    pub retry_after: Option<Duration>,
    /// The endpoint's answer, if there was one.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<&'static str>,
    /// How long it took.
    pub duration: Duration,
    /// The bytes sent, to be kept for the next try.
    pub body: Option<String>,
}

impl Statement for DeliveryAttempt {
    type Row = DeliveryAttempt;
    type Output = ();

    async fn run(db: &mut PgConnection, rows: &[DeliveryAttempt]) -> Result<Vec<Option<()>>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
        let attempts: Vec<i32> = rows
            .iter()
            .map(|row| i32::try_from(row.attempt).unwrap_or(i32::MAX))
            .collect();
        let states: Vec<&str> = rows.iter().map(|row| row.state.name()).collect();
        let retries: Vec<Option<f64>> = rows
            .iter()
            .map(|row| row.retry_after.map(|wait| wait.as_secs_f64()))
            .collect();
        let statuses: Vec<Option<i16>> = rows
            .iter()
            .map(|row| row.status.and_then(|status| i16::try_from(status).ok()))
            .collect();
        let errors: Vec<Option<&str>> = rows.iter().map(|row| row.error).collect();
        let durations: Vec<i32> = rows
            .iter()
            .map(|row| i32::try_from(row.duration.as_millis()).unwrap_or(i32::MAX))
            .collect();
        let bodies: Vec<Option<&str>> = rows.iter().map(|row| row.body.as_deref()).collect();
        sqlx::query!(
            "with commit_mode as materialized (
                select set_config('synchronous_commit', 'off', true)
            ), input as (
                select * from unnest(
                    $1::uuid[], $2::integer[], $3::text[], $4::float8[], $5::smallint[],
                    $6::text[], $7::integer[], $8::text[]
                ) as i(id, attempt, state, retry, status, error, duration_ms, body)
            ), moved as (
                update deliveries d
                set state = i.state, attempts = i.attempt, body = coalesce(d.body, i.body),
                    updated_at = now()
                from commit_mode, input i
                where d.id = i.id and d.attempts = i.attempt - 1 and d.state = 'delivering'
                returning d.id, i.attempt, i.retry, i.status, i.error, i.duration_ms
            ), tried as (
                insert into delivery_attempts (delivery_id, attempt, status, error, duration_ms)
                select id, attempt, status, error, duration_ms from moved
            ), cleared as (
                delete from jobs o using moved m
                where m.retry is null and o.worker = 'webhook' and o.id = m.id
            )
            update jobs o
            set seq = o.seq + 1, publish_count = 0, attempts = 0, lease = null, leased_until = null,
                due_at = now() + make_interval(secs => m.retry)
            from moved m
            where m.retry is not null and o.worker = 'webhook' and o.id = m.id",
            &ids,
            &attempts,
            &states as _,
            &retries as _,
            &statuses as _,
            &errors as _,
            &durations,
            &bodies as _,
        )
        .execute(db)
        .await?;
        // A try that another worker recorded first has nothing left to say.
        Ok(rows.iter().map(|_| Some(())).collect())
    }
}
