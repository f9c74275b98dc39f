//! Draining, advancing time, and the end of every test.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use sqlx::Row;

use crate::gateway::Gateway;
use crate::process::Process;
use crate::wait::until;

/// How long draining may take.
const DRAIN_TIMEOUT: Duration = Duration::from_mins(1);

/// What is in progress. A job is idle if it is parked, or not due for half a minute or more: the next
/// attempt of a webhook, the expiry of a payment, the last enquiry about a reversal.
const LEFT: &str = "
    select coalesce('job ' || o.worker || ' ' || o.id || ' due in ' || (o.due_at - now())
                    || ', publish_count ' || o.publish_count || ', claims ' || o.claims || ': '
                    || coalesce(o.error, '-'), '') as what
    from jobs o left join payments p on p.id = o.id
    where o.parked_at is null
      and not (o.leased_until is null and o.publish_count = 0 and o.due_at > now() + interval '30 s'
               and (o.worker <> 'card' or p.state not in ('authorizing', 'capturing')))
    union all
    select 'payment ' || id || ' ' || state from payments
    where state like '%ing' and id not in (select id from jobs where parked_at is not null)
    union all
    select 'authorization ' || id || ' ' || state from authorizations
    where state like '%ing' and state <> 'watching'
      and payment_id not in (select id from jobs where parked_at is not null)
    union all
    select 'delivery ' || id || ' ' || state || ' without a job' from deliveries
    where state like '%ing' and id not in (select id from jobs where worker = 'webhook')";

/// What no log may contain: test card numbers, keys, secrets, panics, statements without privileges.
const NEVER_LOGGED: [&str; 7] = [
    "panicked at",
    "permission denied",
    "4242424242424242",
    "40000000000",
    "sk_test_",
    "sk_live_",
    "whsec_",
];

impl Gateway {
    /// Waits until no job is due and nothing is in progress. What is left then is listed with the ends of
    /// the logs.
    pub async fn drain(&self) -> Result<()> {
        self.drain_within(DRAIN_TIMEOUT).await
    }

    /// Waits until no job is due and nothing is in progress. What is left then is listed with the ends of
    /// the logs.
    pub async fn drain_within(&self, limit: Duration) -> Result<()> {
        let drained = until("no work is left", limit, async || {
            // A database that is just coming up again is waited for too.
            let left = self
                .left()
                .await
                .unwrap_or_else(|error| vec![error.to_string()]);
            Ok(left.is_empty().then_some(()))
        })
        .await;
        let Err(error) = drained else { return Ok(()) };
        let left = self.left().await?.join("\n  ");
        bail!("{error}\nleft:\n  {left}\n{}", self.log_ends());
    }

    /// What is in progress or due.
    pub async fn left(&self) -> Result<Vec<String>> {
        let rows = sqlx::query(LEFT).fetch_all(self.database()).await?;
        Ok(rows
            .iter()
            .map(|row| row.try_get("what"))
            .collect::<Result<_, _>>()?)
    }

    /// Lets time pass in the database: jobs become due, leases end, keys expire. History and the
    /// ledger keep their times. Drain first, or work in progress loses its lease.
    pub async fn advance(&self, time: Duration) -> Result<()> {
        let seconds = time.as_secs_f64();
        let mut tx = self.database().begin().await?;
        // Verdicts never change otherwise.
        let change = "alter table risk_verdicts disable trigger risk_verdicts_immutable";
        sqlx::query(change).execute(&mut *tx).await?;
        for shift in [
            "update jobs set due_at = due_at - make_interval(secs => $1),
                               leased_until = leased_until - make_interval(secs => $1)",
            "update webhook_endpoints
             set paused_until = paused_until - make_interval(secs => $1),
                 failing_since = failing_since - make_interval(secs => $1),
                 last_success_at = last_success_at - make_interval(secs => $1),
                 previous_secret_until = previous_secret_until - make_interval(secs => $1)",
            "update payments set expires_at = expires_at - make_interval(secs => $1)
             where expires_at is not null",
            "update authorizations set updated_at = updated_at - make_interval(secs => $1)
             where state = 'watching'",
            "update idempotency_keys set created_at = created_at - make_interval(secs => $1)",
            "delete from rate_windows where minute < now() - interval '1 minute'
                                                     + make_interval(secs => $1)",
            "delete from card_declines where hour < now() - interval '1 day' + make_interval(secs => $1)",
            "delete from merchant_attempts where minute < now() - interval '10 minutes'
                                                          + make_interval(secs => $1)",
            // Shorter keys are those of cards' first digits, whose window is shorter.
            "delete from address_attempts
             where minute < now() + make_interval(secs => $1)
                 - case when octet_length(address) < 32 then interval '10 minutes' else interval '1 hour' end",
            "update risk_verdicts set at = at - make_interval(secs => $1)",
        ] {
            sqlx::query(shift).bind(seconds).execute(&mut *tx).await?;
        }
        // Payments keep their times, so those of expired keys must not look as if they missed them.
        let forget = "update payments p set idempotency_key = null from idempotency_keys k
                      where k.subject_id = p.id and k.created_at < now() - interval '24 hours'";
        sqlx::query(forget).execute(&mut *tx).await?;
        let keep = "alter table risk_verdicts enable trigger risk_verdicts_immutable";
        sqlx::query(keep).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Waits for the first 40 seconds of a minute, so that a test's requests fall into one minute.
    pub async fn young_minute(&self) -> Result<()> {
        until(
            "a new minute has started",
            Duration::from_secs(30),
            async || {
                let is_early = sqlx::query_scalar("select extract(second from now()) < 40");
                let is_early: bool = is_early.fetch_one(self.database()).await?;
                Ok(is_early.then_some(()))
            },
        )
        .await
    }

    /// Compares payments, ledger, jobs, events and the acquirer's log with the operator's command.
    pub async fn verify(&self) -> Result<()> {
        self.operate(&["verify"]).await.map(|_| ())
    }

    /// Ends a test: no work is left, `sluice verify` finds nothing, no job is parked, no process has
    /// died or panicked, and no log holds a secret. Then everything is removed.
    pub async fn finish(mut self) -> Result<()> {
        self.drain().await?;
        self.verify().await?;
        let parked = "select worker || ' ' || id || ': ' || coalesce(error, '-') as what
                      from jobs where parked_at is not null";
        let parked = sqlx::query(parked).fetch_all(self.database()).await?;
        let parked: Vec<String> = parked
            .iter()
            .map(|row| row.try_get("what"))
            .collect::<Result<_, _>>()?;
        ensure!(parked.is_empty(), "parked: {parked:?}\n{}", self.log_ends());
        self.running().check()?;
        self.check_logs()?;
        self.finished = true;
        Ok(())
    }

    /// Checks that no log holds a secret.
    pub fn check_logs(&self) -> Result<()> {
        for process in Process::ALL {
            for (number, line) in self.log(process).lines().enumerate() {
                let found = NEVER_LOGGED.into_iter().find(|never| line.contains(never));
                if let Some(never) = found {
                    bail!(
                        "{never:?} is in line {} of the log of {process:?}",
                        number + 1
                    );
                }
            }
        }
        Ok(())
    }

    /// The last lines of every log.
    pub fn log_ends(&self) -> String {
        let end = |process: &Process| {
            let log = self.log(*process);
            let lines: Vec<&str> = log.lines().collect();
            let last = lines
                .get(lines.len().saturating_sub(15)..)
                .unwrap_or_default();
            (!last.is_empty()).then(|| format!("--- {}\n{}", process.name(), last.join("\n")))
        };
        Process::ALL
            .iter()
            .filter_map(end)
            .collect::<Vec<_>>()
            .join("\n")
    }
}
