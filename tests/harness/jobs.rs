//! Letting everything that is due be done, letting time pass, and the end of every story.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sqlx::Row;

use crate::gateway::Gateway;
use crate::process::{Process, binary};
use crate::wait::until;

/// How long everything that is due may take.
const DRAIN_TIMEOUT: Duration = Duration::from_mins(1);

/// A job is at rest that is parked, or waits half a minute or more for its own time: the next try
/// of a webhook, the expiry of a payment, the last look at a reversal. Everything else is somebody's work now.
const LEFT: &str = "
    select coalesce('job ' || o.worker || ' ' || o.id || ' due in ' || (o.due_at - now())
                    || ', publish_count ' || o.publish_count || ', claims ' || o.attempts || ': '
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

/// What no log may hold: card numbers of the sandbox, keys, secrets, panics.
const NEVER_LOGGED: [&str; 6] = [
    "panicked at",
    "4242424242424242",
    "40000000000",
    "sk_test_",
    "sk_live_",
    "whsec_",
];

impl Gateway {
    /// Waits until nothing is due and nothing is in anybody's hands.
    ///
    /// # Errors
    /// If something is left after a minute; it is listed with the ends of the logs.
    pub async fn drain(&self) -> Result<()> {
        self.drain_within(DRAIN_TIMEOUT).await
    }

    /// Waits until nothing is due and nothing is in anybody's hands.
    ///
    /// # Errors
    /// If something is left after `limit`; it is listed with the ends of the logs.
    pub async fn drain_within(&self, limit: Duration) -> Result<()> {
        let settled = until("everything is settled", limit, async || {
            // A database that is just coming up again is waited for too.
            let left = self
                .left()
                .await
                .unwrap_or_else(|error| vec![error.to_string()]);
            Ok(left.is_empty().then_some(()))
        })
        .await;
        let Err(error) = settled else { return Ok(()) };
        let left = self.left().await?.join("\n  ");
        bail!("{error}\nleft:\n  {left}\n{}", self.log_ends());
    }

    /// What is not at rest.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn left(&self) -> Result<Vec<String>> {
        let rows = sqlx::query(LEFT).fetch_all(self.database()).await?;
        Ok(rows
            .iter()
            .map(|row| row.try_get("what"))
            .collect::<Result<_, _>>()?)
    }

    /// Lets time pass in the database: what is due later comes nearer, leases end, keys grow old.
    /// History and the ledger keep their times. Settle first, or work in hand loses its lease.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn advance(&self, time: Duration) -> Result<()> {
        let seconds = time.as_secs_f64();
        let mut tx = self.database().begin().await?;
        for shift in [
            "update jobs set due_at = due_at - make_interval(secs => $1),
                               leased_until = leased_until - make_interval(secs => $1)",
            "update payments set expires_at = expires_at - make_interval(secs => $1)
             where expires_at is not null",
            "update authorizations set updated_at = updated_at - make_interval(secs => $1)
             where state = 'watching'",
            "update idempotency_keys set created_at = created_at - make_interval(secs => $1)",
            "delete from rate_windows where minute < now() - interval '1 minute'
                                                     + make_interval(secs => $1)",
        ] {
            sqlx::query(shift).bind(seconds).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Waits until the minute is young enough that a test's requests fall into one.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn young_minute(&self) -> Result<()> {
        until("the minute is young", Duration::from_secs(30), async || {
            let young = sqlx::query_scalar("select extract(second from now()) < 40");
            let young: bool = young.fetch_one(self.database()).await?;
            Ok(young.then_some(()))
        })
        .await
    }

    /// Lets the operator's command line compare everything: payments, ledger, jobs, events and the
    /// acquirer's log.
    ///
    /// # Errors
    /// If anything differs.
    pub async fn verify(&self) -> Result<()> {
        self.operate(&["verify"]).await.map(|_| ())
    }

    /// Runs the operator's command line and returns what it says.
    ///
    /// # Errors
    /// If it fails.
    pub async fn operate(&self, arguments: &[&str]) -> Result<String> {
        let mut sluice = tokio::process::Command::new(binary("sluice")?);
        let sluice = sluice
            .args(arguments)
            .current_dir(&self.dir)
            .env("DATABASE_URL", self.database_url())
            .env("SLUICE_SANDBOX_URL", self.url(Process::Sandbox));
        let done = sluice.output().await.context("running sluice")?;
        let (said, wrong) = (
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr),
        );
        ensure!(
            done.status.success(),
            "sluice {arguments:?}: {}\n{said}{wrong}",
            done.status
        );
        Ok(said.into_owned())
    }

    /// Ends a story: everything settles, all books agree, no job is parked, no process has died or
    /// panicked, and no log holds a secret. Then everything is taken down.
    ///
    /// # Errors
    /// If any of it is not so.
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

    /// Looks through every log for what must not be there.
    ///
    /// # Errors
    /// If it is there.
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
    #[must_use]
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
