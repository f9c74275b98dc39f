//! Rescheduling jobs.

use std::collections::HashMap;
use std::time::Duration;

use domain::job::Job;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Lease;
use crate::Result;
use crate::batch::Statement;

/// Reschedules a job and resets its claims, because nothing failed. If the job was made due meanwhile, which
/// increments its sequence number, it stays due: the new reason to act must not be delayed.
///
/// It does not wait for the disk: after a crash of the database the job is due when its lease ends.
#[derive(Debug, Clone, Copy)]
pub struct Reschedule {
    /// The job's lease.
    pub lease: Lease,
    /// How long until it is due.
    pub after: Duration,
}

impl Statement for Reschedule {
    type Row = Reschedule;
    /// The job to publish; `None` if another worker has the lease or the job is complete.
    type Output = Option<Job>;

    async fn run(db: &mut PgConnection, rows: &[Reschedule]) -> Result<Vec<Option<Option<Job>>>> {
        let leases = || rows.iter().map(|row| row.lease);
        let ids: Vec<Uuid> = leases().map(|lease| lease.id).collect();
        let tokens: Vec<Uuid> = leases().map(|lease| lease.token).collect();
        let seqs: Vec<i64> = leases().map(|lease| lease.seq).collect();
        let waits: Vec<f64> = rows.iter().map(|row| row.after.as_secs_f64()).collect();
        let rescheduled = sqlx::query!(
            r#"with commit_mode as materialized (
                select set_config('synchronous_commit', 'off', true)
            )
            update jobs j
            set seq = j.seq + 1, publish_count = 0, claims = 0, lease = null, leased_until = null,
                due_at = case when j.seq = r.seq then now() + make_interval(secs => r.wait) else j.due_at end,
                error = null
            from commit_mode, unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::float8[]) as r(id, token, seq, wait)
            -- The second condition makes every plan find the rows by their keys.
            where j.id = r.id and j.id = any($1) and j.lease = r.token
            returning r.token as "token!", j.seq"#,
            &ids,
            &tokens,
            &seqs,
            &waits,
        )
        .fetch_all(db)
        .await?;
        let seqs: HashMap<_, _> = rescheduled.iter().map(|row| (row.token, row.seq)).collect();
        let job = |lease: Lease| {
            let (worker, id) = (lease.worker, lease.id);
            seqs.get(&lease.token).map(|seq| Job {
                worker,
                id,
                seq: *seq,
            })
        };
        Ok(leases().map(|lease| Some(job(lease))).collect())
    }
}
