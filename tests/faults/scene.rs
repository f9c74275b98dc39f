//! A gateway with a merchant's endpoint, and what is looked at in it.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use domain::id::PaymentId;
use sqlx::{PgPool, Postgres, Row, Transaction};
use tests::{Gateway, Options, Process, Receiver, Request, Response, until};
use uuid::Uuid;

use crate::proxy::Proxy;

pub const APPROVED: &str = "4242424242424242";
pub const DECLINED: &str = "4000000000000002";

/// How long a claimed job is left to its worker, and a little more.
pub const LEASE: Duration = Duration::from_secs(21);

/// Nothing that is waited for takes longer.
pub const SOON: Duration = Duration::from_secs(30);

/// A gateway and its merchant's endpoint.
pub struct Scene {
    pub gateway: Gateway,
    pub receiver: Receiver,
}

impl Scene {
    /// Starts both. The API says "pending" almost at once, and the card worker waits long for the
    /// acquirer: what is held stays held.
    pub async fn patient() -> Result<Self> {
        Self::with(Options {
            wait_ms: 200,
            acquirer_timeout_ms: 15_000,
            ..Options::default()
        })
        .await
    }

    /// Starts both.
    pub async fn with(options: Options) -> Result<Self> {
        let (gateway, receiver) = (Gateway::with(options).await?, Receiver::start().await?);
        gateway.register("/v1/webhooks", &receiver.url("/")).await?;
        Ok(Self { gateway, receiver })
    }

    /// Kills an idle process and starts it with one thing it is told behind a proxy.
    pub async fn detour(&self, process: Process, what: &'static str, url: &str) -> Result<Proxy> {
        let proxy = Proxy::before(url).await?;
        self.gateway.set(process, what, proxy.url());
        self.gateway.kill(process)?;
        self.gateway.launch(&[process]).await?;
        Ok(proxy)
    }

    /// The card worker's way to the acquirer.
    pub async fn before_acquirer(&self) -> Result<Proxy> {
        self.before_acquirer_of(Process::Card).await
    }

    /// A worker's way to the acquirer.
    pub async fn before_acquirer_of(&self, worker: Process) -> Result<Proxy> {
        let url = self.gateway.url(Process::Sandbox);
        self.detour(worker, "SLUICE_SANDBOX_URL", &url).await
    }

    /// Pays, and is told that it is not over yet. Returns the payment's id.
    pub async fn pay_pending(&self, card: &str) -> Result<String> {
        let answer = self.gateway.pay(card).await?;
        ensure!(
            (answer.status, answer.at("/status")) == (200, "pending"),
            "{}: {}",
            answer.status,
            answer.text
        );
        Ok(answer.at("/id").to_owned())
    }

    /// A payment as its merchant reads it.
    pub async fn read(&self, payment: &str) -> Result<Response> {
        self.gateway.get(&format!("/v1/payments/{payment}")).await
    }

    /// What became of a payment: its status, its attempts, and what the acquirer did.
    pub async fn became(&self, payment: &str) -> Result<(String, Vec<String>, Vec<String>)> {
        let status = self.read(payment).await?.at("/status").to_owned();
        let mut did = self.gateway.acquirer_did(payment)?;
        did.sort();
        Ok((status, self.attempts(payment).await?, did))
    }

    /// The states of a payment's attempts, in order.
    pub async fn attempts(&self, payment: &str) -> Result<Vec<String>> {
        let query = "select state from authorizations where payment_id = $1 order by attempt";
        self.texts(query, payment).await
    }

    /// The events of a payment's history, in order.
    pub async fn history(&self, payment: &str) -> Result<Vec<String>> {
        let query = "select event from payment_history where payment_id = $1 order by version";
        self.texts(query, payment).await
    }

    async fn texts(&self, query: &'static str, payment: &str) -> Result<Vec<String>> {
        let query = sqlx::query(query).bind(id(payment)?);
        let rows = query.fetch_all(self.gateway.database()).await?;
        Ok(rows
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<_, _>>()?)
    }

    /// How many payments there are.
    pub async fn payments(&self) -> Result<i64> {
        let query = sqlx::query("select count(*) from payments");
        Ok(query.fetch_one(self.gateway.database()).await?.try_get(0)?)
    }

    /// Waits until the only payment with a card is there, and says its id.
    pub async fn only_payment(&self) -> Result<String> {
        until("the payment is there", SOON, async || {
            let row = sqlx::query("select id from payments where state <> 'created'")
                .fetch_optional(self.gateway.database());
            let row = row.await?;
            Ok(row.map(|row| row.try_get(0)).transpose()?)
        })
        .await
        .map(|id| PaymentId(id).to_string())
    }

    /// Waits until the acquirer has done this many things.
    pub async fn acquirer_did(&self, count: usize) -> Result<()> {
        let what = format!("the acquirer has done {count} things");
        until(&what, SOON, async || {
            Ok((self.gateway.sandbox_log()?.len() == count).then_some(()))
        })
        .await
    }

    /// Ends the test: everything settles, every payment that ended was told to the endpoint once
    /// or more, always under one id and with its state, and all books agree.
    pub async fn finish(self) -> Result<()> {
        self.gateway.drain().await?;
        let query = "select id, state from payments where state in ('captured', 'failed')";
        let ended = sqlx::query(query)
            .fetch_all(self.gateway.database())
            .await?;
        ensure!(!ended.is_empty(), "no payment has ended");
        let told = self.receiver.requests();
        for row in ended {
            let (id, state) = (PaymentId(row.try_get(0)?), row.try_get::<&str, _>(1)?);
            let status = if state == "captured" {
                "succeeded"
            } else {
                "failed"
            };
            told_as_one(&told, &id.to_string(), status)?;
        }
        self.gateway.finish().await
    }
}

/// Something was told to the endpoint once or more, always under one id and with this status.
pub fn told_as_one(told: &[Request], id: &str, status: &str) -> Result<()> {
    let of = |one: &&Request| one.json()["data"]["object"]["id"] == id;
    let told: Vec<_> = told.iter().filter(of).collect();
    let texts: HashSet<&str> = told.iter().map(|one| one.text.as_str()).collect();
    let ids: HashSet<&str> = told.iter().map(|one| one.header("webhook-id")).collect();
    if (texts.len(), ids.len()) != (1, 1) {
        bail!("{id} was told as {ids:?}: {texts:#?}");
    }
    let told = told.first().context("never told")?.json();
    ensure!(
        told["data"]["object"]["status"] == status,
        "{id} is {status}: {told}"
    );
    Ok(())
}

/// The id in the database of what a merchant calls `pay_…`.
pub fn id(payment: &str) -> Result<Uuid> {
    Ok(PaymentId::parse(payment).context("no payment's id")?.0)
}

/// Waits until so many connections of `application` wait for locks, or more.
pub async fn blocked(db: &PgPool, application: &str, count: i64) -> Result<()> {
    let query = "select count(*) from pg_stat_activity
                 where datname = current_database() and application_name = $1
                   and wait_event_type = 'Lock'";
    let what = format!("{count} statements wait for locks");
    until(&what, SOON, async || {
        let waiting = sqlx::query_scalar(query).bind(application);
        let waiting: i64 = waiting.fetch_one(db).await?;
        Ok((waiting >= count).then_some(()))
    })
    .await
}

/// Ends the connections of a process that is dead, before or after what they were doing.
pub async fn bury(
    db: &PgPool,
    lock: Transaction<'_, Postgres>,
    application: &str,
    end: End,
) -> Result<()> {
    if end == End::RolledBack {
        let query = "select pg_terminate_backend(pid) from pg_stat_activity
                     where datname = current_database() and application_name = $1";
        sqlx::query(query).bind(application).execute(db).await?;
        gone(db, application).await?;
    }
    lock.rollback().await?;
    gone(db, application).await
}

/// What became of the statement a process was killed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Committed,
    RolledBack,
}

async fn gone(db: &PgPool, application: &str) -> Result<()> {
    let query = "select count(*) from pg_stat_activity
                 where datname = current_database() and application_name = $1";
    until("a dead process's connections are gone", SOON, async || {
        let left = sqlx::query_scalar(query).bind(application);
        let left: i64 = left.fetch_one(db).await?;
        Ok((left == 0).then_some(()))
    })
    .await
}
