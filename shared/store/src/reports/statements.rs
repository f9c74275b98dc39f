//! The statements, each with the table whose ids it walks.

use domain::endpoint::Status;
use domain::event::EventType;
use domain::{authorization, delivery, payment, refund};
use futures::stream::BoxStream;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::facts::Facts;
use super::findings::subject;
use super::{Compared, Difference, Rule};
use crate::{Error, Result, retention, snapshot};

/// A difference as a statement returns it.
pub(super) struct Row {
    rule: String,
    kind: String,
    id: Uuid,
    expected: Option<String>,
    found: Option<String>,
}

impl Row {
    pub fn read(self) -> Result<Difference> {
        // Values that are missing must not hide the difference.
        let unknown = || "something".to_owned();
        let rule = Rule::parse(&self.rule).ok_or(Error::Unreadable { table: "rules" })?;
        Ok(Difference {
            rule,
            subject: subject(&self.kind, self.id),
            expected: self.expected.unwrap_or_else(unknown),
            found: self.found.unwrap_or_else(unknown),
        })
    }
}

pub(super) type Rows<'a> = BoxStream<'a, sqlx::Result<Row>>;

/// The end of a range.
pub(super) struct End<B> {
    pub count: i64,
    pub last: Option<B>,
}

/// A statement with the table whose ids it walks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Report {
    Payments,
    History,
    Attempts,
    Outcomes,
    WithoutPayment,
    Refunds,
    Intents,
    Customers,
    Events,
    Deliveries,
    WithoutDelivery,
    Postings,
    WithoutPosting,
    Jobs,
}

impl Report {
    pub const ALL: [Self; 14] = [
        Self::Payments,
        Self::History,
        Self::Attempts,
        Self::Outcomes,
        Self::WithoutPayment,
        Self::Refunds,
        Self::Intents,
        Self::Customers,
        Self::Events,
        Self::Deliveries,
        Self::WithoutDelivery,
        Self::Postings,
        Self::WithoutPosting,
        Self::Jobs,
    ];

    /// Where its count belongs, if it counts the rows of a table.
    pub const fn counter(self, compared: &mut Compared) -> Option<&mut i64> {
        match self {
            Report::Payments => Some(&mut compared.payments),
            Report::Refunds => Some(&mut compared.refunds),
            Report::Events => Some(&mut compared.events),
            Report::Deliveries => Some(&mut compared.deliveries),
            Report::Postings => Some(&mut compared.postings),
            Report::Jobs => Some(&mut compared.jobs),
            _ => None,
        }
    }

    /// The end of the next range: how many ids it has, up to `limit`, and the last of them. Walks of rows that
    /// belong to a missing row take these rows' ids, which no foreign key limits then.
    pub async fn end(
        self,
        db: &mut PgConnection,
        after: Uuid,
        limit: i64,
    ) -> sqlx::Result<End<Uuid>> {
        macro_rules! end {
            ($sql:literal) => {
                sqlx::query_as!(
                    End,
                    r#"select count(*) as "count!", (array_agg(id order by id desc))[1] as last from ("#
                        + $sql
                        + ") i",
                    after,
                    limit
                )
                .fetch_one(db)
                .await
            };
        }
        match self {
            Report::Payments | Report::History | Report::Attempts | Report::Outcomes => {
                end!("select id from payments where id > $1 order by id limit $2")
            }
            Report::WithoutPayment => {
                end!(
                    "select payment_id as id from payment_history where payment_id > $1 order by payment_id limit $2"
                )
            }
            Report::Refunds => end!("select id from refunds where id > $1 order by id limit $2"),
            Report::Intents => end!("select id from intents where id > $1 order by id limit $2"),
            Report::Customers => {
                end!("select id from customers where id > $1 order by id limit $2")
            }
            Report::Events => end!("select id from events where id > $1 order by id limit $2"),
            Report::Deliveries => {
                end!(
                    "select event_id as id from deliveries where event_id > $1 order by event_id fetch first $2 rows with ties"
                )
            }
            Report::WithoutDelivery => {
                end!(
                    "select delivery_id as id from delivery_attempts where delivery_id > $1 order by delivery_id limit $2"
                )
            }
            Report::Postings => {
                end!("select id from ledger_postings where id > $1 order by id limit $2")
            }
            Report::WithoutPosting => {
                end!(
                    "select posting_id as id from ledger_entries where posting_id > $1 order by posting_id limit $2"
                )
            }
            Report::Jobs => end!("select id from jobs where id > $1 order by id limit $2"),
        }
    }

    /// The differences of the rows with ids after `after`, up to `upto`.
    pub fn differences<'a>(
        self,
        db: &'a mut PgConnection,
        facts: &'a Facts,
        after: Uuid,
        upto: Uuid,
    ) -> Rows<'a> {
        macro_rules! rows {
            ($file:literal $(, $fact:expr)* $(,)?) => {
                sqlx::query_file_as!(Row, $file, after, upto $(, $fact)*).fetch(db)
            };
        }
        match self {
            Report::Payments => payments(db, facts, after, upto),
            Report::History => rows!("src/reports/history.sql", &facts.steps, &facts.failures),
            Report::Attempts => rows!("src/reports/attempts.sql", &facts.attempt_states),
            Report::Outcomes => rows!(
                "src/reports/outcomes.sql",
                &facts.finals,
                &facts.final_events,
                &facts.postings,
                retention::EVENTS_MIN.as_secs_f64()
            ),
            Report::WithoutPayment => rows!("src/reports/without_payment.sql"),
            Report::Refunds => rows!(
                "src/reports/refunds.sql",
                &facts.refundable,
                &facts.refunds_in_progress,
                refund::State::Refunded.name(),
                retention::EVENTS_MIN.as_secs_f64(),
                refund::IN_PROGRESS_MAX.as_secs_f64()
            ),
            Report::Intents => rows!(
                "src/reports/intents.sql",
                &facts.finals,
                &facts.takes_no_money,
                EventType::IntentCreated.name(),
                EventType::IntentStatusChanged.name(),
                retention::EVENTS_MIN.as_secs_f64()
            ),
            Report::Customers => rows!(
                "src/reports/customers.sql",
                EventType::CustomerCreated.name(),
                retention::EVENTS_MIN.as_secs_f64()
            ),
            Report::Events => rows!(
                "src/reports/events.sql",
                &facts.events,
                snapshot::VERSION,
                Status::Active.name(),
                retention::EVENTS_MIN.as_secs_f64()
            ),
            Report::Deliveries => rows!(
                "src/reports/deliveries.sql",
                delivery::State::Delivering.name(),
                delivery::State::Delivered.name(),
                delivery::State::Exhausted.name(),
                facts.delivery_attempts,
                delivery::IN_PROGRESS_MAX.as_secs_f64(),
                retention::EVENTS_MIN.as_secs_f64()
            ),
            Report::WithoutDelivery => rows!("src/reports/without_delivery.sql"),
            Report::Postings => rows!("src/reports/postings.sql", &facts.posting_events),
            Report::WithoutPosting => rows!("src/reports/without_posting.sql"),
            Report::Jobs => rows!(
                "src/reports/jobs.sql",
                &facts.having_job,
                &facts.attempts_in_progress,
                &facts.refunds_in_progress,
                delivery::State::Delivering.name()
            ),
        }
    }
}

fn payments<'a>(db: &'a mut PgConnection, facts: &'a Facts, after: Uuid, upto: Uuid) -> Rows<'a> {
    sqlx::query_file_as!(
        Row,
        "src/reports/payments.sql",
        after,
        upto,
        &facts.holding_approval,
        &facts.needing_card,
        &facts.having_job,
        &facts.finals,
        authorization::State::Approved.name(),
        &facts.undecided_attempts,
        &facts.attempts_in_progress,
        refund::State::Failed.name(),
        &facts.currencies,
        &facts.intent_currencies,
        retention::IDEMPOTENCY_KEYS.as_secs_f64(),
        payment::IN_PROGRESS_MAX.as_secs_f64(),
        i64::from(authorization::ATTEMPTS_MAX),
        &facts.without_card,
    )
    .fetch(db)
}

/// The end of the next range of idempotency keys, by the time when they were taken.
pub(super) async fn keys_end(
    db: &mut PgConnection,
    after: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<End<OffsetDateTime>> {
    sqlx::query_as!(
        End,
        r#"select count(*) as "count!", max(created_at) as last from (
               select created_at from idempotency_keys where created_at > $1
               order by created_at limit $2) k"#,
        after,
        limit
    )
    .fetch_one(db)
    .await
}

/// The differences of the keys that were taken after `after`, up to `upto`.
pub(super) fn keys<'a>(
    db: &'a mut PgConnection,
    _: &'a Facts,
    after: OffsetDateTime,
    upto: OffsetDateTime,
) -> Rows<'a> {
    sqlx::query_file_as!(Row, "src/reports/keys.sql", after, upto).fetch(db)
}
