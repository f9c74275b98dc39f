//! Everything Sluice keeps, and every word of SQL.
//!
//! The database's clock is the only one that decides. Absent on purpose: HTTP, AMQP, and what
//! clients are told.

pub mod accept;
pub mod batch;
pub mod clients;
pub mod customers;
pub mod deliveries;
pub mod endpoints;
pub mod events;
pub mod idempotency;
pub mod intents;
pub mod key_file;
pub mod ledger;
pub mod limits;
pub mod merchants;
pub mod outbox;
pub mod payments;
pub mod rates;
pub mod refunds;
pub mod reports;
pub mod vault;

use std::str::FromStr;
use std::time::Duration;

pub use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

/// What the database answered when it did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database said no, or could not be reached.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A row holds what the domain does not know: written by a newer version, or damaged.
    #[error("a row of {table} cannot be read")]
    Unreadable {
        /// The table.
        table: &'static str,
    },
    /// The statement ran and says nothing about this row; running it again alone did not help.
    #[error("the statement left a row out")]
    LeftOut,
    /// The process is ending.
    #[error("shutting down")]
    Closed,
}

impl Error {
    /// Whether the database cannot do it now, so that trying again later may help.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Error::Database(error) => batch::is_unavailable(error),
            Error::Unreadable { .. } | Error::LeftOut | Error::Closed => false,
        }
    }

    /// The constraint that refused the write.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Error::Database(sqlx::Error::Database(error)) => error.constraint(),
            _ => None,
        }
    }
}

/// What the store's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// A process that works looks rows up: every statement of it finds them by index, a few at a time.
/// Without this, a plan that was made while a table was small goes on reading all of it while it
/// grows.
pub const LOOK_UPS: [(&str, &str); 6] = [
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
    // Planning one of our statements takes longer than running it.
    ("plan_cache_mode", "force_generic_plan"),
];

/// Opens a pool of at most `connections`, lazily: the database may come up later.
///
/// # Errors
/// If `url` is not a Postgres URL.
pub fn connect(url: &str, process: &str, connections: u32) -> Result<PgPool> {
    let options = options(url, process)?.options(LOOK_UPS).options([
        ("statement_timeout", "15s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "30s"),
    ]);
    Ok(pool(connections).connect_lazy_with(options))
}

/// Opens a pool for an operator, whose questions read whole tables and may take their time.
///
/// # Errors
/// If `url` is not a Postgres URL.
pub fn connect_for_reports(url: &str, process: &str) -> Result<PgPool> {
    Ok(pool(2).connect_lazy_with(options(url, process)?))
}

fn options(url: &str, process: &str) -> Result<PgConnectOptions> {
    Ok(PgConnectOptions::from_str(url)?.application_name(process))
}

fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(2))
        .test_before_acquire(false)
}

/// Brings the schema up to date. Safe to run by several processes at once.
///
/// # Errors
/// If a migration fails; what went before it stays.
pub async fn migrate(db: &PgPool) -> std::result::Result<(), sqlx::migrate::MigrateError> {
    sqlx::migrate!("../../migrations").run(db).await
}

/// A transaction for one merchant's request.
pub type Tx = sqlx::Transaction<'static, sqlx::Postgres>;

/// Begins a transaction for a request of this merchant; dropped, it leaves no trace.
///
/// # Errors
/// If the database cannot.
pub async fn begin(db: &PgPool) -> Result<Tx> {
    Ok(db.begin().await?)
}

/// Makes it so.
///
/// # Errors
/// If the database cannot; then nothing was done, or the answer was lost.
pub async fn commit(tx: Tx) -> Result<()> {
    Ok(tx.commit().await?)
}

/// Whether the database answers.
///
/// # Errors
/// If it does not.
pub async fn ping(db: &PgPool) -> Result<()> {
    sqlx::query("select 1").execute(db).await?;
    Ok(())
}

/// A new identifier, greater than those made before it.
#[must_use]
pub fn fresh_id() -> Uuid {
    Uuid::now_v7()
}
