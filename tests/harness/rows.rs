//! What the database holds. Tests read and change it through these methods, so that a change of
//! the schema changes no test but those about the database itself.

use std::time::Duration;

use anyhow::{Context, Result};
use domain::id::{IntentId, PaymentId, RefundId};
use domain::job::Worker;
use sqlx::{AssertSqlSafe, FromRow};
use store::merchants::Credentials;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::gateway::Gateway;

/// A payment of any merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns' names")]
pub struct Payment {
    /// `pay_…`
    pub id: String,
    pub state: String,
    /// `intent_…`, if it pays an intent.
    pub intent: Option<String>,
    pub card_last4: Option<String>,
}

/// A row of the job schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns' names")]
pub struct JobRow {
    pub job: domain::job::Job,
    pub publish_count: i16,
    pub is_parked: bool,
    pub error: Option<String>,
}

/// The delivery of an event to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
#[expect(missing_docs, reason = "the columns' names")]
pub struct Delivery {
    pub state: String,
    pub attempts: i32,
}

/// One attempt of a delivery: the endpoint's status, or why there was none.
pub type DeliveryAttempt = (Option<i16>, Option<String>);

/// A refund and what was written about it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
#[expect(missing_docs, reason = "the columns' names")]
pub struct RefundRow {
    pub state: String,
    pub postings: i64,
    /// What its postings take from the merchant's balance, in minor units.
    pub posted_minor: i64,
    pub events: i64,
    pub jobs: i64,
}

/// The id in the database of what a merchant calls `pay_…`.
pub fn payment_id(payment: &str) -> Result<Uuid> {
    Ok(PaymentId::parse(payment).context("not a payment id")?.0)
}

impl Gateway {
    /// How many rows a table has, of all cases.
    pub(crate) async fn total(&self, table: &str) -> Result<usize> {
        let query = AssertSqlSafe(format!("select count(*) from {table}"));
        let count: i64 = sqlx::query_scalar(query).fetch_one(self.database()).await?;
        Ok(usize::try_from(count)?)
    }

    /// All payments, oldest first.
    pub async fn payments(&self) -> Result<Vec<Payment>> {
        type Row = (Uuid, String, Option<Uuid>, Option<String>);
        let query = "select id, state, intent_id, card_last4 from payments order by created_at, id";
        let rows: Vec<Row> = sqlx::query_as(query).fetch_all(self.database()).await?;
        let payment = |(id, state, intent, card_last4): Row| Payment {
            id: PaymentId(id).to_string(),
            state,
            intent: intent.map(|id| IntentId(id).to_string()),
            card_last4,
        };
        Ok(rows.into_iter().map(payment).collect())
    }

    /// The states of a payment's attempts at the acquirer, in order.
    pub async fn attempts(&self, payment: &str) -> Result<Vec<String>> {
        let query = "select state from authorizations where payment_id = $1 order by attempt";
        self.texts_of(query, payment).await
    }

    /// The events of a payment's history, in order.
    pub async fn history(&self, payment: &str) -> Result<Vec<String>> {
        let query = "select event from payment_history where payment_id = $1 order by version";
        self.texts_of(query, payment).await
    }

    async fn texts_of(&self, query: &'static str, payment: &str) -> Result<Vec<String>> {
        let query = sqlx::query_scalar(query).bind(payment_id(payment)?);
        Ok(query.fetch_all(self.database()).await?)
    }

    /// All jobs.
    pub async fn jobs(&self) -> Result<Vec<JobRow>> {
        type Row = (String, Uuid, i64, i16, bool, Option<String>);
        let query = "select worker, id, seq, publish_count, parked_at is not null, error from jobs";
        let rows: Vec<Row> = sqlx::query_as(query).fetch_all(self.database()).await?;
        let row = |(worker, id, seq, publish_count, is_parked, error): Row| {
            let worker = Worker::parse(&worker).context("an unknown worker")?;
            let job = domain::job::Job { worker, id, seq };
            Ok(JobRow {
                job,
                publish_count,
                is_parked,
                error,
            })
        };
        rows.into_iter().map(row).collect()
    }

    /// The job about a payment.
    pub async fn job_of(&self, payment: &str) -> Result<JobRow> {
        let id = payment_id(payment)?;
        let mut jobs = self.jobs().await?.into_iter();
        let job = jobs.find(|row| row.job.id == id);
        job.with_context(|| format!("{payment} has no job"))
    }

    /// How long until a worker's only job is due; zero if it is, nothing if there is none.
    pub async fn due_in(&self, worker: Worker) -> Result<Option<Duration>> {
        let query = "select greatest(0, extract(epoch from due_at - now()))::float8
                     from jobs where worker = $1";
        let query = sqlx::query_scalar(query).bind(worker.name());
        let seconds: Option<f64> = query.fetch_optional(self.database()).await?;
        Ok(seconds.map(Duration::try_from_secs_f64).transpose()?)
    }

    /// Makes a payment's job due now, as a transition does that has work for its worker.
    pub async fn wake(&self, payment: &str) -> Result<()> {
        let query = "select record_effects(jsonb_build_array(jsonb_build_object('wake',
                         jsonb_build_array(to_jsonb(j))))) from jobs j where id = $1";
        let query = sqlx::query(query).bind(payment_id(payment)?);
        query.execute(self.database()).await?;
        Ok(())
    }

    /// Makes a payment's job one that was claimed this often without an outcome.
    pub async fn set_claims(&self, payment: &str, claims: i16) -> Result<()> {
        let query = "update jobs set claims = $2 where id = $1";
        let query = sqlx::query(query).bind(payment_id(payment)?).bind(claims);
        query.execute(self.database()).await?;
        Ok(())
    }

    /// All deliveries, oldest first.
    pub async fn deliveries(&self) -> Result<Vec<Delivery>> {
        let query = sqlx::query_as("select state, attempts from deliveries order by id");
        Ok(query.fetch_all(self.database()).await?)
    }

    /// The attempts of all deliveries, in order.
    pub async fn delivery_attempts(&self) -> Result<Vec<DeliveryAttempt>> {
        let query = "select status, error from delivery_attempts order by delivery_id, attempt";
        Ok(sqlx::query_as(query).fetch_all(self.database()).await?)
    }

    /// A refund, `ref_…`, and what was written about it.
    pub async fn refund(&self, refund: &str) -> Result<RefundRow> {
        let query = "
            select state,
                   (select count(*) from ledger_postings where cause = 'refund' and cause_id = $1) as postings,
                   (select (coalesce(sum(e.amount), 0) * 100)::bigint
                    from ledger_entries e join ledger_postings l on l.id = e.posting_id
                    where l.cause = 'refund' and l.cause_id = $1 and e.account = 'merchant_balance') as posted_minor,
                   (select count(*) from events where subject_id = $1) as events,
                   (select count(*) from jobs where id = $1) as jobs
            from refunds where id = $1";
        let id = RefundId::parse(refund).context("not a refund id")?;
        let query = sqlx::query_as(query).bind(id.0);
        Ok(query.fetch_one(self.database()).await?)
    }

    /// The states of all refunds, in the order they were requested.
    pub async fn refund_states(&self) -> Result<Vec<String>> {
        let query = sqlx::query_scalar("select state from refunds order by id");
        Ok(query.fetch_all(self.database()).await?)
    }

    /// What the ledger says was refunded of a payment, in minor units.
    pub async fn refunded_in_ledger(&self, payment: &str) -> Result<i64> {
        let query = "select (coalesce(sum(e.amount), 0) * 100)::bigint
                     from ledger_entries e join ledger_postings l on l.id = e.posting_id
                     join refunds r on r.id = l.cause_id and l.cause = 'refund'
                     where r.payment_id = $1
                       and e.account = 'merchant_balance'";
        let query = sqlx::query_scalar(query).bind(payment_id(payment)?);
        Ok(query.fetch_one(self.database()).await?)
    }

    /// The bodies of the responses that are stored under idempotency keys.
    pub async fn stored_responses(&self) -> Result<Vec<Option<String>>> {
        let query = sqlx::query_scalar("select body from idempotency_keys");
        Ok(query.fetch_all(self.database()).await?)
    }

    /// How many requests of all keys are counted in the database.
    pub async fn counted_requests(&self) -> Result<i64> {
        let query = sqlx::query_scalar("select coalesce(sum(hits), 0) from rate_windows");
        Ok(query.fetch_one(self.database()).await?)
    }

    /// Forgets how many requests, tries and declines were counted.
    pub(crate) async fn forget_counts(&self) -> Result<()> {
        for table in [
            "rate_windows",
            "card_declines",
            "merchant_attempts",
            "address_attempts",
        ] {
            let query = sqlx::query(AssertSqlSafe(format!("delete from {table}")));
            query.execute(self.database()).await?;
        }
        Ok(())
    }

    /// Lets every access token expire now.
    pub async fn expire_access_tokens(&self) -> Result<()> {
        let query = sqlx::query("update access_tokens set expires_at = now()");
        query.execute(self.database()).await?;
        Ok(())
    }

    /// Revokes the API keys of a merchant.
    pub async fn revoke_keys(&self, merchant: &Credentials) -> Result<()> {
        let query = "update api_keys set revoked_at = now() where merchant_id = $1";
        let query = sqlx::query(query).bind(merchant.merchant_id.0);
        query.execute(self.database()).await?;
        Ok(())
    }

    /// Changes the profile of this gateway's merchant.
    pub async fn set_profile(
        &self,
        name: &str,
        fee_basis_points: i16,
        currency: &str,
    ) -> Result<()> {
        let query = "update merchants set name = $2, fee_basis_points = $3, currency = $4
                     where id = $1";
        let query = sqlx::query(query).bind(self.merchant.merchant_id.0);
        let query = query.bind(name).bind(fee_basis_points).bind(currency);
        query.execute(self.database()).await?;
        Ok(())
    }
}

/// Whether an id begins with about the present time, so that its neighbours can be guessed.
pub fn begins_with_time(id: Uuid) -> bool {
    let now = OffsetDateTime::now_utc().unix_timestamp() * 1_000;
    let at = id.as_u128() >> 80;
    i128::try_from(at).is_ok_and(|at| (at - i128::from(now)).abs() < 3_600_000)
}
