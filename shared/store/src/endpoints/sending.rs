//! Sending an event to one endpoint again, or a test event.

use domain::delivery::State;
use domain::endpoint::Endpoint;
use domain::event::{Event, EventType, Subject};
use domain::id::{DeliveryId, EventId};
use domain::job::{Job, Worker};
use uuid::Uuid;

use crate::effects::{self, Effects};
use crate::jobs::FIRST_PUBLISH_DELAY;
use crate::{Error, Result, Tx};

/// A delivery that a merchant asked for.
#[derive(Debug)]
pub struct Sent {
    /// The delivery.
    pub id: DeliveryId,
    /// Its event.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: EventType,
    /// Its job, to publish after the commit; `None` if an attempt is being made now.
    pub job: Option<Job>,
}

/// Sends an event to an endpoint again. If a delivery of it is still waiting, that one is due now. The
/// endpoint's pause ends. `None` if the event was never sent to this endpoint.
pub async fn resend(tx: &mut Tx, endpoint: &Endpoint, event_id: EventId) -> Result<Option<Sent>> {
    resume(tx, endpoint).await?;
    let last = sqlx::query!(
        "select d.id, d.state, e.type as event_type
         from deliveries d join events e on e.id = d.event_id
         where d.event_id = $1 and d.endpoint_id = $2
         order by d.resend desc limit 1",
        event_id.0,
        endpoint.id.0,
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(last) = last else { return Ok(None) };
    let unreadable = Error::Unreadable { table: "events" };
    let event_type = EventType::parse(&last.event_type).ok_or(unreadable)?;
    let is_waiting = last.state == State::Delivering.name();
    let (id, job) = if is_waiting {
        (last.id, wake(tx, last.id).await?)
    } else {
        let Some((id, job)) = again(tx, endpoint, last.id).await? else {
            return Ok(None);
        };
        (id, Some(job))
    };
    Ok(Some(Sent {
        id: DeliveryId(id),
        event_id,
        event_type,
        job,
    }))
}

/// Ends the endpoint's pause, and locks its row: two requests at a time could both find that nothing waits.
/// Returns the delivery of its last test event.
async fn resume(tx: &mut Tx, endpoint: &Endpoint) -> Result<Option<Uuid>> {
    let row = sqlx::query!(
        r#"select coalesce(paused_until > now(), false) as "is_paused!", test_delivery_id
           from webhook_endpoints where id = $1 for update"#,
        endpoint.id.0,
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.is_paused {
        let id = endpoint.id.0;
        sqlx::query!(
            "update webhook_endpoints set paused_until = null where id = $1",
            id
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(row.test_delivery_id)
}

/// Makes a waiting delivery due now, also one that was parked. The scheduler publishes its job if the caller
/// does not. A worker that has claimed it, and does not make an attempt, sees the new sequence number and
/// leaves it due.
async fn wake(tx: &mut Tx, id: Uuid) -> Result<Option<Job>> {
    let row = sqlx::query!(
        r#"update jobs
           set seq = seq + 1, due_at = now() + make_interval(secs => $2), publish_count = 0, parked_at = null,
               claims = 0
           where id = $1
           returning seq, coalesce(leased_until > now(), false) as "is_claimed!""#,
        id,
        FIRST_PUBLISH_DELAY.as_secs_f64(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    let row = row.filter(|row| !row.is_claimed);
    let worker = Worker::Webhook;
    Ok(row.map(|row| Job {
        worker,
        id,
        seq: row.seq,
    }))
}

/// Stores another delivery of the event that `last` delivered, with the same body; `None` if `last` has just
/// been deleted.
async fn again(tx: &mut Tx, endpoint: &Endpoint, last: Uuid) -> Result<Option<(Uuid, Job)>> {
    let id = crate::new_id();
    let stored = sqlx::query!(
        "insert into deliveries (id, event_id, endpoint_id, state, body, resend, resent_at)
         select $1, event_id, endpoint_id, $3, body, resend + 1, now() from deliveries where id = $2",
        id,
        last,
        State::Delivering.name(),
    )
    .execute(&mut **tx)
    .await?;
    if stored.rows_affected() == 0 {
        return Ok(None);
    }
    let effects = Effects::new(endpoint.merchant_id, endpoint.mode);
    let effects = effects.job(Worker::Webhook, id, FIRST_PUBLISH_DELAY);
    effects::record(tx, &effects).await?;
    Ok(Some((id, effects::delivery_job(DeliveryId(id)))))
}

/// Sends a test event about an endpoint to it alone, whatever it subscribed to. If one is still waiting, that
/// one is due now. The endpoint's pause ends.
pub async fn test(tx: &mut Tx, endpoint: &Endpoint) -> Result<Sent> {
    let last = resume(tx, endpoint).await?;
    let waiting = sqlx::query!(
        "select id, event_id, state from deliveries where id = $1",
        last,
    )
    .fetch_optional(&mut **tx)
    .await?;
    let is_waiting = |state: &str| state == State::Delivering.name();
    let (id, event_id, job) = if let Some(last) = waiting.filter(|last| is_waiting(&last.state)) {
        (last.id, last.event_id, wake(tx, last.id).await?)
    } else {
        let (id, event_id) = new_test(tx, endpoint).await?;
        (id, event_id, Some(effects::delivery_job(DeliveryId(id))))
    };
    Ok(Sent {
        id: DeliveryId(id),
        event_id: EventId(event_id),
        event_type: EventType::EndpointTest,
        job,
    })
}

/// Stores a test event with its delivery; returns the ids of the delivery and the event.
async fn new_test(tx: &mut Tx, endpoint: &Endpoint) -> Result<(Uuid, Uuid)> {
    let (id, event_id) = (crate::new_id(), crate::new_id());
    let event = Event {
        event_type: EventType::EndpointTest,
        subject: Subject::Endpoint(endpoint.clone()),
    };
    let effects = Effects::new(endpoint.merchant_id, endpoint.mode);
    let effects = effects.event_with_id(event_id, &event);
    let effects = effects.job(Worker::Webhook, id, FIRST_PUBLISH_DELAY);
    effects::record(tx, &effects).await?;
    sqlx::query!(
        "with latest as (
             update webhook_endpoints set test_delivery_id = $1 where id = $3
         )
         insert into deliveries (id, event_id, endpoint_id, state) values ($1, $2, $3, $4)",
        id,
        event_id,
        endpoint.id.0,
        State::Delivering.name(),
    )
    .execute(&mut **tx)
    .await?;
    Ok((id, event_id))
}
