//! Postponing what waits for a paused endpoint. Otherwise each delivery would be published and claimed to find
//! out, and thousands would delay those of other endpoints.

use std::time::Duration;

use domain::delivery::State;
use domain::id::EndpointId;
use sqlx::PgPool;
use uuid::Uuid;

use crate::Result;

/// The most deliveries that one call postpones.
const POSTPONED_MAX: i64 = 10_000;
/// How many one statement postpones, so that none takes long.
const AT_ONCE: usize = 200;
/// How far apart deliveries are due after a pause, so that they do not come back all at once.
const APART: Duration = Duration::from_millis(5);

/// Postpones the deliveries that wait for a paused endpoint. They are due again little by little after the
/// pause. What this leaves out, because the process ends for example, finds out about the pause when it is
/// claimed.
pub async fn postpone(db: &PgPool, endpoint: EndpointId) -> Result<()> {
    let waiting: Vec<Uuid> = sqlx::query_scalar!(
        "select j.id
         from webhook_endpoints w
         join deliveries d on d.endpoint_id = w.id and d.state = $2
         -- The offset makes every plan find the jobs by their keys.
         cross join lateral (select * from jobs where id = d.id offset 0) j
         where w.id = $1 and j.due_at < w.paused_until and j.leased_until is null and j.parked_at is null
         limit $3",
        endpoint.0,
        State::Delivering.name(),
        POSTPONED_MAX,
    )
    .fetch_all(db)
    .await?;
    let spread = APART * u32::try_from(waiting.len()).unwrap_or(u32::MAX);
    for ids in waiting.chunks(AT_ONCE) {
        sqlx::query!(
            r#"with commit_mode as materialized (
                 select set_config('synchronous_commit', 'off', true)
             ), endpoint as materialized (
                 -- Not while a merchant ends the pause.
                 select paused_until from commit_mode, webhook_endpoints where id = $1 for share of webhook_endpoints
             ), due as materialized (
                 select j.id, w.paused_until
                 from jobs j, endpoint w
                 where j.id = any($2) and j.due_at < w.paused_until and j.leased_until is null
                   -- "is true" keeps the planner from reading all jobs by the index jobs_due.
                   and (j.parked_at is null) is true
                 for update of j skip locked
             )
             update jobs j
             set seq = j.seq + 1, publish_count = 0,
                 due_at = due.paused_until
                     + random() * greatest((due.paused_until - now()) / 2, make_interval(secs => $3))
             from due where j.id = due.id and j.id = any($2)"#,
            endpoint.0,
            ids,
            spread.as_secs_f64(),
        )
        .execute(db)
        .await?;
    }
    Ok(())
}
