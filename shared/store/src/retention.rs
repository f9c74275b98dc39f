//! How long rows live: one rule for each kind of row that is deleted. Rows about money are never deleted:
//! payments, their history and attempts, refunds, intents, customers, the ledger. `deploy/docs/running.md`
//! lists both.

use std::time::Duration;

use domain::delivery::State;
use domain::endpoint::Status;
use domain::risk::{ADDRESS_WINDOW, CARD_WINDOW, MERCHANT_WINDOW, VERDICTS_KEPT};
use futures::future::BoxFuture;
use sqlx::postgres::PgArguments;
use sqlx::{PgPool, Postgres};

use crate::{Result, vault};

/// How many rows one statement deletes at most, so that its transaction is short.
pub const BATCH: i64 = 1_000;

/// How many days events and their deliveries are kept, unless the operator chooses another number.
pub const EVENTS_DAYS: u64 = 30;
/// The fewest days that the operator can choose: longer than a delivery is in progress
/// ([`domain::delivery::IN_PROGRESS_MAX`]).
pub const EVENTS_DAYS_MIN: u64 = 7;
/// The shortest time that events and their deliveries are kept. Older ones may be gone.
pub const EVENTS_MIN: Duration = days(EVENTS_DAYS_MIN);
/// How long a request can be repeated with the same key.
pub const IDEMPOTENCY_KEYS: Duration = Duration::from_hours(24);
/// How long a sealed card is kept whose payment has no outcome.
pub const SEALED_CARDS: Duration = Duration::from_hours(24);
/// How long after its end an access token is reported as expired and not as unknown.
pub const ACCESS_TOKENS: Duration = Duration::from_hours(24);
/// How long the requests of a past minute are kept.
pub const RATE_WINDOWS: Duration = Duration::from_mins(2);
/// How long an endpoint is kept after its deletion. It stays longer while deliveries refer to it.
pub const DELETED_ENDPOINTS: Duration = days(30);

/// How long declines of a card are kept: the window in which they count, and the hour in which it began.
pub const CARD_DECLINES: Duration = CARD_WINDOW.saturating_add(Duration::from_hours(1));
/// How long a merchant's tries of cards are kept.
pub const MERCHANT_ATTEMPTS: Duration = MERCHANT_WINDOW.saturating_add(Duration::from_mins(1));
/// How long an address's tries of cards are kept.
pub const ADDRESS_ATTEMPTS: Duration = ADDRESS_WINDOW.saturating_add(Duration::from_mins(1));

/// How long the rows of a rule are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// This long.
    Fixed(Duration),
    /// As long as events.
    OfEvents,
}

/// A kind of row that is deleted.
#[derive(Debug)]
pub struct Rule {
    /// The table.
    pub table: &'static str,
    /// How long its rows are kept.
    pub age: Age,
    /// Deletes up to [`BATCH`] rows that are older than these seconds; returns how many.
    delete: fn(&PgPool, f64) -> BoxFuture<'_, Result<u64>>,
}

impl Rule {
    /// Deletes up to [`BATCH`] expired rows; returns how many. `events` is how long events are kept.
    pub async fn delete(&self, db: &PgPool, events: Duration) -> Result<u64> {
        let age = match self.age {
            Age::Fixed(age) => age,
            Age::OfEvents => events.max(EVENTS_MIN),
        };
        (self.delete)(db, age.as_secs_f64()).await
    }
}

/// A rule whose statement takes the age in seconds as $1 and [`BATCH`] as $2.
macro_rules! rule {
    ($table:literal, $age:expr, $sql:literal $(, $parameter:expr)?) => {
        Rule {
            table: $table,
            age: $age,
            delete: |db, age| rows(db, sqlx::query!($sql, age, BATCH $(, $parameter)?)),
        }
    };
}

/// Every rule. Rows that refer to others come before them. Each statement finds its rows by an index, oldest
/// first, and leaves what is in progress.
pub static RULES: [Rule; 12] = [
    Rule {
        table: "sealed_cards",
        age: Age::Fixed(SEALED_CARDS),
        delete: |db, age| Box::pin(vault::destroy_expired(db, age)),
    },
    rule!(
        "idempotency_keys",
        Age::Fixed(IDEMPOTENCY_KEYS),
        "delete from idempotency_keys where (merchant_id, live, key) in (
             select merchant_id, live, key from idempotency_keys
             where created_at < now() - make_interval(secs => $1)
             order by created_at limit $2)"
    ),
    rule!(
        "access_tokens",
        Age::Fixed(ACCESS_TOKENS),
        "delete from access_tokens where (client_id, expires_at) in (
             select client_id, expires_at from access_tokens
             where expires_at < now() - make_interval(secs => $1)
             order by expires_at limit $2)"
    ),
    // It has no index by time: it holds the rows of a few minutes.
    rule!(
        "rate_windows",
        Age::Fixed(RATE_WINDOWS),
        "delete from rate_windows where (subject, surface, minute) in (
             select subject, surface, minute from rate_windows
             where minute < now() - make_interval(secs => $1) limit $2)"
    ),
    rule!(
        "delivery_attempts",
        Age::OfEvents,
        "delete from delivery_attempts where (delivery_id, attempt) in (
             select a.delivery_id, a.attempt
             from deliveries d join delivery_attempts a on a.delivery_id = d.id
             where d.event_id < first_id_at(now() - make_interval(secs => $1)) and d.state <> $3
             order by d.event_id limit $2)",
        State::Delivering.name()
    ),
    rule!(
        "deliveries",
        Age::OfEvents,
        "delete from deliveries where id in (
             select d.id from deliveries d
             where d.event_id < first_id_at(now() - make_interval(secs => $1)) and d.state <> $3
               and not exists (select from delivery_attempts a where a.delivery_id = d.id)
             order by d.event_id limit $2)",
        State::Delivering.name()
    ),
    rule!(
        "events",
        Age::OfEvents,
        "delete from events where id in (
             select e.id from events e
             where e.id < first_id_at(now() - make_interval(secs => $1))
               and not exists (select from deliveries d where d.event_id = e.id)
             order by e.id limit $2)"
    ),
    rule!(
        "webhook_endpoints",
        Age::Fixed(DELETED_ENDPOINTS),
        "delete from webhook_endpoints where id in (
             select w.id from webhook_endpoints w
             where w.status = $3 and w.updated_at < now() - make_interval(secs => $1)
               and not exists (select from deliveries d where d.endpoint_id = w.id)
               and not exists (select from events e where e.subject_id = w.id)
             order by w.updated_at limit $2)",
        Status::Deleted.name()
    ),
    rule!(
        "card_declines",
        Age::Fixed(CARD_DECLINES),
        "delete from card_declines where (fingerprint, live, hour, merchant_id) in (
             select fingerprint, live, hour, merchant_id from card_declines
             where hour < now() - make_interval(secs => $1) order by hour limit $2)"
    ),
    rule!(
        "merchant_attempts",
        Age::Fixed(MERCHANT_ATTEMPTS),
        "delete from merchant_attempts where (merchant_id, live, minute) in (
             select merchant_id, live, minute from merchant_attempts
             where minute < now() - make_interval(secs => $1) order by minute limit $2)"
    ),
    rule!(
        "address_attempts",
        Age::Fixed(ADDRESS_ATTEMPTS),
        "delete from address_attempts where (address, live, minute) in (
             select address, live, minute from address_attempts
             where minute < now() - make_interval(secs => $1) order by minute limit $2)"
    ),
    rule!(
        "risk_verdicts",
        Age::Fixed(VERDICTS_KEPT),
        "delete from risk_verdicts where id in (
             select id from risk_verdicts
             where at < now() - make_interval(secs => $1) order by at limit $2)"
    ),
];

fn rows(db: &PgPool, query: Query) -> BoxFuture<'_, Result<u64>> {
    Box::pin(async move { Ok(query.execute(db).await?.rows_affected()) })
}

type Query = sqlx::query::Query<'static, Postgres, PgArguments>;

/// So many days of 24 hours.
pub const fn days(days: u64) -> Duration {
    Duration::from_hours(days * 24)
}

#[cfg(test)]
mod tests {
    use domain::delivery;

    use super::*;

    #[test]
    fn no_delivery_is_in_progress_when_its_event_expires() {
        assert!(EVENTS_MIN > delivery::IN_PROGRESS_MAX);
    }
}
