//! Everything Sluice keeps, and every word of SQL.
//!
//! The database's clock is the only one that decides. Absent on purpose: HTTP, AMQP, and what
//! clients are told.

pub mod accept;
pub mod batch;
pub mod clients;
pub mod customers;
pub mod deliveries;
pub mod effects;
pub mod endpoints;
pub mod idempotency;
pub mod intents;
pub mod jobs;
pub mod key_file;
pub mod ledger;
pub mod merchants;
pub mod payments;
pub mod rate_limits;
pub mod rates;
pub mod refunds;
pub mod reports;
mod snapshot;
pub mod vault;

use std::str::FromStr;
use std::time::Duration;

use domain::id::MerchantId;
use domain::merchant::Mode;
use sqlx::AssertSqlSafe;
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
pub const LOOKUP_SETTINGS: [(&str, &str); 6] = [
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
    // Planning one of our statements takes longer than running it.
    ("plan_cache_mode", "force_generic_plan"),
];

/// What a connection of the API may see and do; the migration that makes the roles says what that
/// is. Workers and operators act for every merchant, as the owner of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Answers one merchant's request at a time.
    Api,
    /// Accepts payments of several merchants at once, and looks at those that are waited for.
    Accept,
}

impl Role {
    /// Its name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Role::Api => "sluice_api",
            Role::Accept => "sluice_accept",
        }
    }
}

/// Opens a pool of at most `connections`, lazily: the database may come up later.
///
/// # Errors
/// If `url` is not a Postgres URL.
pub fn connect(url: &str, process: &str, connections: u32) -> Result<PgPool> {
    Ok(pool(connections).connect_lazy_with(working(url, process)?))
}

/// Opens a pool whose connections have only a role's rights, from their first statement on. Where
/// the role does not exist, or the user of the URL is no member of it, no connection is made.
///
/// # Errors
/// If `url` is not a Postgres URL.
pub fn connect_as(role: Role, url: &str, process: &str, connections: u32) -> Result<PgPool> {
    let options = working(url, process)?.options([("role", role.name())]);
    Ok(pool(connections).connect_lazy_with(options))
}

fn working(url: &str, process: &str) -> Result<PgConnectOptions> {
    Ok(options(url, process)?.options(LOOKUP_SETTINGS).options([
        ("statement_timeout", "15s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "30s"),
    ]))
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

/// Begins a transaction about this merchant in this mode, which sees no other's rows where a role
/// is held to that; dropped, it leaves no trace.
///
/// # Errors
/// If the database cannot.
pub async fn begin(db: &PgPool, merchant: MerchantId, mode: Mode) -> Result<Tx> {
    // One message, one round trip. Both values are written by us: a UUID and a Boolean.
    let begin = format!(
        "begin; set local sluice.merchant = '{}'; set local sluice.live = '{}'",
        merchant.0,
        mode.is_live(),
    );
    Ok(db.begin_with(AssertSqlSafe(begin)).await?)
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
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}
