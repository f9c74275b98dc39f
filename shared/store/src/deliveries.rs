//! Webhook deliveries: claimed by the webhook worker, recorded after each attempt.

mod health;
mod postpone;

use std::collections::HashSet;
use std::time::Duration;

use domain::delivery::{self, State};
use domain::endpoint::{Secrets, Status};
use domain::event::{Event, EventType};
use domain::id::{AttemptId, DeliveryId, EndpointId, EventId, MerchantId};
use domain::merchant::Mode;
use domain::surface::Surface;
use serde::Serialize;
use sqlx::types::Json;
use sqlx::{Connection, PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

pub use self::postpone::postpone;
use crate::batch::Statement;
use crate::jobs::{Claimed, Claims, Lease, Load};
use crate::snapshot::{self, Header};
use crate::{Error, Result};

/// A delivery that the webhook worker claimed.
#[derive(Debug)]
pub struct Delivery {
    /// The delivery.
    pub id: DeliveryId,
    /// Its state.
    pub state: State,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// The body that earlier attempts sent; every attempt sends the same bytes.
    pub body: Option<String>,
    /// The event's id, the same for every endpoint and attempt.
    pub event_id: EventId,
    /// What happened.
    pub event: Event,
    /// When it happened.
    pub occurred_at: OffsetDateTime,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// The merchant.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// The surface whose format the endpoint receives.
    pub surface: Surface,
    /// Where to post.
    pub url: String,
    /// Sign with Ed25519 too.
    pub ed25519: bool,
    /// The secrets to sign with.
    pub secrets: Secrets,
    /// The secrets of the endpoint's merchant.
    pub merchant_secrets: Secrets,
    /// Whether the endpoint receives deliveries. A disabled one receives its waiting ones when it is
    /// active again.
    pub status: Status,
    /// When the delivery was written: with its event, or later by a resend.
    pub written_at: OffsetDateTime,
    /// Whether the endpoint's row shows a success of the last minute.
    pub has_recent_success: bool,
    /// Whether the endpoint's last attempt failed.
    pub is_failing: bool,
    /// How long nothing is sent to the endpoint because it failed repeatedly.
    pub paused: Duration,
}

fn secrets(version: i32, is_previous_valid: bool) -> Secrets {
    Secrets {
        version: u32::try_from(version).unwrap_or_default(),
        is_previous_valid,
    }
}

/// Neither a claim nor a recorded attempt waits for the disk. If the database crashes and loses one, it
/// is repeated, and the endpoint receives the same event id again. The delivery itself cannot be lost:
/// it was flushed with the transition that caused the event.
impl Load for Delivery {
    async fn load(db: &mut PgConnection, claims: &Claims) -> Result<Vec<(Uuid, Claimed<Self>)>> {
        let rows = sqlx::query!(
            r#"
            with commit_mode as materialized (
                select set_config('synchronous_commit', 'off', true)
            ), claimed as (
                select c.* from commit_mode, claim_jobs('webhook', $1, $2, $3, $4, $5) c
            )
            select c.lease as "lease!", c.claims as "claims!", d.id, d.state, d.attempts, d.body,
                   e.id as event_id, e.type as event_type, e.subject_id, e.data, e.data_version,
                   e.created_at, w.id as endpoint_id, w.merchant_id, w.live, w.surface, w.url, w.ed25519,
                   w.status, w.failures > 0 as "is_failing!", w.secret_version, d.resent_at,
                   coalesce(w.previous_secret_until > now(), false) as "is_previous_valid!",
                   m.webhook_secret_version,
                   coalesce(m.previous_webhook_secret_until > now(), false)
                       as "is_merchants_previous_valid!",
                   coalesce(w.last_success_at > now() - interval '1 minute', false)
                       as "has_recent_success!",
                   greatest(extract(epoch from w.paused_until - now()), 0)::float8 as "paused!"
            from claimed c
            join deliveries d on d.id = c.owner_id
            join events e on e.id = d.event_id
            join webhook_endpoints w on w.id = d.endpoint_id
            join merchants m on m.id = w.merchant_id
            "#,
            &claims.ids,
            &claims.seqs,
            &claims.leases,
            claims.session,
            claims.lease_seconds,
        )
        .fetch_all(db)
        .await?;
        let claimed = rows.into_iter().map(|row| {
            let (lease, claims) = (row.lease, row.claims);
            let read = || {
                let unreadable = |table| Error::Unreadable { table };
                let surface = Surface::parse(&row.surface);
                let surface = surface.ok_or_else(|| unreadable("webhook_endpoints"))?;
                let header = EventType::parse(&row.event_type).map(|event_type| Header {
                    event_type,
                    merchant_id: MerchantId(row.merchant_id),
                    mode: Mode::of(row.live),
                    subject_id: row.subject_id,
                    at: row.created_at,
                });
                let event = header
                    .and_then(|header| snapshot::read(&header, row.data_version, row.data))
                    .ok_or_else(|| unreadable("events"))?;
                let made = u32::try_from(row.attempts).unwrap_or_default();
                Ok(Self {
                    id: DeliveryId(row.id),
                    state: State::parse(&row.state).ok_or_else(|| unreadable("deliveries"))?,
                    attempt: made.saturating_add(1),
                    body: row.body,
                    event_id: EventId(row.event_id),
                    event,
                    occurred_at: row.created_at,
                    endpoint_id: EndpointId(row.endpoint_id),
                    merchant_id: MerchantId(row.merchant_id),
                    mode: Mode::of(row.live),
                    surface,
                    url: row.url,
                    ed25519: row.ed25519,
                    secrets: secrets(row.secret_version, row.is_previous_valid),
                    merchant_secrets: secrets(
                        row.webhook_secret_version,
                        row.is_merchants_previous_valid,
                    ),
                    status: Status::parse(&row.status)
                        .ok_or_else(|| unreadable("webhook_endpoints"))?,
                    written_at: row.resent_at.unwrap_or(row.created_at),
                    has_recent_success: row.has_recent_success,
                    is_failing: row.is_failing,
                    paused: Duration::try_from_secs_f64(row.paused).unwrap_or_default(),
                })
            };
            let owner = read();
            (lease, Claimed { claims, owner })
        });
        Ok(claimed.collect())
    }
}

/// Cancels a delivery and completes its job.
pub async fn cancel(db: &PgPool, id: DeliveryId, lease: Lease) -> Result<()> {
    sqlx::query!(
        "with canceled as (
             update deliveries set state = $3, updated_at = now() where id = $1 and state = $4
             returning id
         )
         delete from jobs where id = $1 and lease = $2 and exists (select from canceled)",
        id.0,
        lease.token,
        State::Canceled.name(),
        State::Delivering.name(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// An attempt to deliver, with its result.
#[derive(Debug, Clone)]
pub struct DeliveryAttempt {
    /// The delivery.
    pub id: DeliveryId,
    /// The worker's claim.
    pub lease: Lease,
    /// The attempt's own id.
    pub attempt_id: AttemptId,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// Where it was sent.
    pub url: String,
    /// Whether the endpoint's attempt before this one failed.
    pub was_failing: bool,
    /// Whether the endpoint's row shows a success of the last minute.
    pub has_recent_success: bool,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The delivery's new state.
    pub state: State,
    /// How long until the next attempt, if there is one.
    pub retry_after: Option<Duration>,
    /// The endpoint's status, if it responded.
    pub status: Option<u16>,
    /// Why it did not respond.
    pub error: Option<&'static str>,
    /// The beginning of its response, as [`delivery::excerpt`] makes it.
    pub response: Option<String>,
    /// How long it took.
    pub duration: Duration,
    /// The body sent, stored for the next attempt.
    pub body: Option<String>,
}

/// A row of the statement's input.
#[derive(Serialize)]
struct Input<'a> {
    id: Uuid,
    lease: Uuid,
    seq: i64,
    attempt_id: Uuid,
    attempt: u32,
    from_state: &'static str,
    to_state: &'static str,
    retry: Option<f64>,
    succeeded: bool,
    status: Option<u16>,
    error: Option<&'static str>,
    response: Option<&'a str>,
    duration_ms: i32,
    body: Option<&'a str>,
}

impl DeliveryAttempt {
    fn is_accepted(&self) -> bool {
        self.state == State::Delivered
    }

    /// Why it failed, in words.
    fn failure(&self) -> Option<String> {
        (!self.is_accepted()).then(|| delivery::failure(self.status, self.error))
    }

    fn input(&self) -> Input<'_> {
        Input {
            id: self.id.0,
            lease: self.lease.token,
            seq: self.lease.seq,
            attempt_id: self.attempt_id.0,
            attempt: self.attempt,
            from_state: State::Delivering.name(),
            to_state: self.state.name(),
            retry: self.retry_after.map(|wait| wait.as_secs_f64()),
            succeeded: self.is_accepted(),
            status: self.status,
            error: self.error,
            response: self.response.as_deref(),
            duration_ms: i32::try_from(self.duration.as_millis()).unwrap_or(i32::MAX),
            body: self.body.as_deref(),
        }
    }
}

/// The outcome of recording an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Whether the attempt was recorded; `false` if another worker recorded this number first.
    pub is_recorded: bool,
    /// Whether this attempt paused the endpoint, or one of the same batch.
    pub is_paused: bool,
}

impl Statement for DeliveryAttempt {
    type Row = DeliveryAttempt;
    type Output = Recorded;
    /// The endpoint has its webhook already. If the worker dies meanwhile, the webhook is sent again.
    const LINGER: Duration = Duration::from_millis(25);

    /// An endpoint that works costs no transaction of several statements.
    async fn run(db: &mut PgConnection, rows: &[DeliveryAttempt]) -> Result<Vec<Option<Recorded>>> {
        let health = health::of(rows);
        if health.is_empty() {
            let moved = record(db, rows).await?;
            return Ok(outputs(rows, &moved, &[]));
        }
        let mut tx = db.begin().await?;
        // First, because merchants' requests too lock an endpoint before its deliveries.
        let paused = health::record(&mut tx, &health).await?;
        let moved = record(&mut tx, rows).await?;
        tx.commit().await?;
        Ok(outputs(rows, &moved, &paused))
    }
}

fn outputs(
    rows: &[DeliveryAttempt],
    moved: &HashSet<Uuid>,
    paused: &[EndpointId],
) -> Vec<Option<Recorded>> {
    // One attempt tells of each pause.
    let mut paused: HashSet<_> = paused.iter().copied().collect();
    let recorded = rows.iter().map(|row| Recorded {
        is_recorded: moved.contains(&row.lease.token),
        is_paused: paused.remove(&row.endpoint_id),
    });
    recorded.map(Some).collect()
}

/// Records attempts; returns the leases of those that were.
async fn record(db: &mut PgConnection, rows: &[DeliveryAttempt]) -> Result<HashSet<Uuid>> {
    let input: Vec<_> = rows.iter().map(DeliveryAttempt::input).collect();
    let moved = sqlx::query_scalar!(
        r#"with commit_mode as materialized (
            select set_config('synchronous_commit', 'off', true)
        ), input as (
            select * from jsonb_to_recordset($1) as i(
                id uuid, lease uuid, seq bigint, attempt_id uuid, attempt integer, from_state text, to_state text,
                retry float8, succeeded boolean, status smallint, error text, response text,
                duration_ms integer, body text)
        ), moved as (
            update deliveries d
            set state = i.to_state, attempts = i.attempt, body = coalesce(d.body, i.body),
                updated_at = now()
            from commit_mode, input i
            where d.id = i.id and d.attempts = i.attempt - 1 and d.state = i.from_state
            returning d.id, d.endpoint_id, i.lease, i.seq, i.attempt_id, i.attempt, i.retry, i.succeeded,
                      i.status, i.error, i.response, i.duration_ms
        ), recorded as (
            insert into delivery_attempts (id, delivery_id, attempt, endpoint_id, succeeded, status, error,
                                           response, duration_ms, next_at)
            select attempt_id, id, attempt, endpoint_id, succeeded, status, error, response, duration_ms,
                   now() + make_interval(secs => retry)
            from moved
        ), rescheduled as (
            update jobs j
            set seq = j.seq + 1, publish_count = 0, claims = 0, lease = null, leased_until = null,
                -- A merchant may have asked for another attempt during this one.
                due_at = case when j.seq = m.seq then now() + make_interval(secs => m.retry) else j.due_at end
            from moved m
            where m.retry is not null and j.id = m.id and j.lease = m.lease
              -- With this, every plan finds the rows by their keys.
              and j.id = any(array(select id from moved))
        ), completed as (
            delete from jobs j using moved m
            where m.retry is null and j.id = m.id and j.lease = m.lease
              and j.id = any(array(select id from moved))
        )
        select lease as "lease!" from moved"#,
        Json(&input) as _,
    )
    .fetch_all(db)
    .await?;
    Ok(moved.into_iter().collect())
}
