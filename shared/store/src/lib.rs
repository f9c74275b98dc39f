//! Everything Sluice stores, and all SQL.
//!
//! The database's clock is the only one that decides. Absent on purpose: HTTP, AMQP, and the formats
//! that clients see.

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
    pub fn is_unavailable(&self) -> bool {
        match self {
            Error::Database(error) => batch::is_unavailable(error),
            Error::Unreadable { .. } | Error::LeftOut | Error::Closed => false,
        }
    }

    /// The constraint that refused the write.
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

/// A role of the database: what a process may read and write. The migration that creates the roles
/// lists their rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Serves one merchant's request at a time, and sees only that merchant's rows.
    Api,
    /// Accepts payments of several merchants at once, and reads those that requests wait for.
    Accept,
    /// Publishes due jobs and deletes what has expired.
    Scheduler,
    /// Authorizes and captures; the only one that reads sealed cards.
    Card,
    /// Refunds captured payments.
    Refund,
    /// Delivers webhooks; reads no card.
    Webhook,
    /// The operator's command: reads everything but cards, writes merchants, rates and parked jobs.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 7] = [
        Role::Api,
        Role::Accept,
        Role::Scheduler,
        Role::Card,
        Role::Refund,
        Role::Webhook,
        Role::Operator,
    ];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Api => "sluice_api",
            Role::Accept => "sluice_accept",
            Role::Scheduler => "sluice_scheduler",
            Role::Card => "sluice_card",
            Role::Refund => "sluice_refund",
            Role::Webhook => "sluice_webhook",
            Role::Operator => "sluice_operator",
        }
    }

    /// How a connection under it is named in the database's views.
    const fn process(self) -> &'static str {
        match self {
            Role::Api | Role::Accept => "sluice api",
            Role::Scheduler => "sluice scheduler",
            Role::Card => "sluice card",
            Role::Refund => "sluice refund",
            Role::Webhook => "sluice webhook",
            Role::Operator => "sluice operator",
        }
    }
}

/// Opens a pool of at most `connections`, lazily: the database may come up later. Its connections have
/// only the role's rights from their first statement on. If the role does not exist, or the user of
/// the URL is not a member of it, no connection is made.
pub fn connect(role: Role, url: &str, connections: u32) -> Result<PgPool> {
    let options = options(url, role.process())?.options([("role", role.name())]);
    let options = options.options(LOOKUP_SETTINGS).options([
        ("statement_timeout", "15s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "30s"),
    ]);
    Ok(pool(connections).connect_lazy_with(options))
}

/// Opens a pool for the operator's command, whose queries read whole tables and may take their time.
pub fn connect_operator(url: &str) -> Result<PgPool> {
    let role = Role::Operator;
    let options = options(url, role.process())?.options([("role", role.name())]);
    Ok(pool(2).connect_lazy_with(options))
}

/// Opens a pool as the owner of the tables, for migrations.
pub fn connect_owner(url: &str) -> Result<PgPool> {
    Ok(pool(2).connect_lazy_with(options(url, "sluice migrate")?))
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
pub async fn begin(db: &PgPool, merchant: MerchantId, mode: Mode) -> Result<Tx> {
    // One message, one round trip. Both values are written by us: a UUID and a Boolean.
    let begin = format!(
        "begin; set local sluice.merchant = '{}'; set local sluice.live = '{}'",
        merchant.0,
        mode.is_live(),
    );
    Ok(db.begin_with(AssertSqlSafe(begin)).await?)
}

/// Commits.
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
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}
