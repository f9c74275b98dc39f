//! Everything Sluice stores, and all SQL.
//!
//! Processes run on several machines, so only the database's clock decides what is due or expired.
//! Absent on purpose: HTTP, AMQP, and the formats that clients see.

pub mod accept;
pub mod approvals;
pub mod attempts;
pub mod batch;
pub mod clients;
pub mod customers;
pub mod deliveries;
pub mod effects;
pub mod endpoints;
pub mod failure;
pub mod idempotency;
pub mod intents;
pub mod jobs;
pub mod key_file;
pub mod keys;
pub mod ledger;
pub mod measures;
pub mod merchants;
pub mod migrations;
pub mod operators;
pub mod page;
pub mod payments;
pub mod rate_limits;
pub mod rates;
pub mod refunds;
pub mod reports;
pub mod retention;
pub mod risk;
mod roles;
pub mod session;
mod snapshot;
pub mod status;
pub mod vault;

use domain::id::MerchantId;
use domain::merchant::Mode;
use sqlx::AssertSqlSafe;
pub use sqlx::PgPool;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use self::failure::Failure;
pub use self::roles::{
    LOOKUP_SETTINGS, PasswordError, Role, allow_logins, connect, connect_operator, connect_owner,
    connect_reports, password,
};

/// Why a store function failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database rejected the statement, or could not be reached.
    #[error("{}", Failure::of_sqlx(.0))]
    Database(#[from] sqlx::Error),
    /// A row holds a value that the domain does not know: a newer version wrote it, or it is damaged.
    #[error("a row of {table} cannot be read")]
    Unreadable {
        /// The table.
        table: &'static str,
    },
    /// The statement succeeded but returned nothing for this row, even when it ran for this row alone.
    #[error("the statement returned nothing for a row")]
    LeftOut,
    /// The process is shutting down.
    #[error("shutting down")]
    Closed,
}

impl Error {
    /// Whether the database is temporarily unavailable, so that a retry may succeed.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Error::Database(error) => batch::is_unavailable(error),
            Error::Unreadable { .. } | Error::LeftOut | Error::Closed => false,
        }
    }

    /// The constraint that rejected the write.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Error::Database(sqlx::Error::Database(error)) => error.constraint(),
            _ => None,
        }
    }
}

/// A store function's result.
pub type Result<T> = std::result::Result<T, Error>;

/// A transaction for one merchant's request.
pub type Tx = sqlx::Transaction<'static, sqlx::Postgres>;

/// Starts a transaction for this merchant and mode. Under roles with row-level security it sees no
/// other merchant's rows. Dropping it rolls back.
pub async fn begin(db: &PgPool, merchant: MerchantId, mode: Mode) -> Result<Tx> {
    // One message, so one round trip. Formatting is safe: the values are a UUID and a Boolean.
    let begin = format!(
        "begin; set local sluice.merchant = '{}'; set local sluice.live = '{}'",
        merchant.0,
        mode.is_live(),
    );
    Ok(db.begin_with(AssertSqlSafe(begin)).await?)
}

/// Commits. After an error the outcome is unknown: the transaction may have committed and only the
/// response was lost.
pub async fn commit(tx: Tx) -> Result<()> {
    Ok(tx.commit().await?)
}

/// Checks that the database responds.
pub async fn ping(db: &PgPool) -> Result<()> {
    sqlx::query("select 1").execute(db).await?;
    Ok(())
}

/// A creation time and id that come before all others in a list, which has the newest objects first.
const NEWEST: (OffsetDateTime, Uuid) = (datetime!(9999-12-31 0:00 UTC), Uuid::max());

/// A new version 7 UUID: ids sort by the time they were created, so indexes grow at one end. Those
/// created in the same millisecond differ little, so the id must not open anything by itself.
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// 128 random bits: for what anyone who knows the id can read. A UUID of version 4 has only 122.
pub fn unguessable_id() -> Uuid {
    Uuid::from_u128(rand::random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_an_unguessable_id_is_random() {
        let ids = || (0..64).map(|_| unguessable_id().as_u128());
        let ones = ids().fold(0, |seen, id| seen | id);
        let zeros = ids().fold(0, |seen, id| seen | !id);
        assert_eq!((ones, zeros), (u128::MAX, u128::MAX));
    }
}
