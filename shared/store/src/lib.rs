//! Everything Sluice stores, and all SQL.
//!
//! Processes run on several machines, so only the database's clock decides what is due or expired.
//! Absent on purpose: HTTP, AMQP, and the formats that clients see.

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

/// Why a store function failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database rejected the statement, or could not be reached.
    #[error(transparent)]
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

/// Planner settings of the API, the scheduler and the workers. Their statements find a few rows by
/// index. Without these settings, a plan that was cached while a table was small would scan the whole
/// table after it has grown.
pub const LOOKUP_SETTINGS: [(&str, &str); 7] = [
    ("enable_seqscan", "off"),
    // Or a join would read the whole index of a table that was empty, and keep it for the other rows.
    ("enable_material", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
    // Planning one of these statements takes longer than running it.
    ("plan_cache_mode", "force_generic_plan"),
];

/// A database role: what a process may read and write. Migration 0012 creates the roles and grants
/// their rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Serves requests, each limited to one merchant's rows.
    Api,
    /// Accepts payments in batches of several merchants, and reads the payments that requests wait for.
    Accept,
    /// Publishes due jobs and deletes expired rows.
    Scheduler,
    /// Authorizes and captures; the only role that reads sealed cards.
    Card,
    /// Refunds captured payments.
    Refund,
    /// Delivers webhooks; reads no cards.
    Webhook,
    /// The operator's command: reads everything but sealed cards; writes merchants, rates and parked jobs.
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

    /// The `application_name` of its connections, as `pg_stat_activity` shows it.
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

/// Opens a pool of at most `connections`, lazily: the database may start later. A connection has only
/// the role's rights from its first statement on. If the role does not exist, or the URL's user is not
/// a member of it, connecting fails.
pub fn connect(role: Role, url: &str, connections: u32) -> Result<PgPool> {
    let options = options(url, role.process())?.options([("role", role.name())]);
    let options = options.options(LOOKUP_SETTINGS).options([
        ("statement_timeout", "15s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "30s"),
    ]);
    Ok(pool(connections).connect_lazy_with(options))
}

/// Opens a pool for the operator's command: without timeouts and [`LOOKUP_SETTINGS`], because its
/// queries read whole tables.
pub fn connect_operator(url: &str) -> Result<PgPool> {
    let role = Role::Operator;
    let options = options(url, role.process())?.options([("role", role.name())]);
    Ok(pool(2).connect_lazy_with(options))
}

/// Opens a pool as the tables' owner, for migrations.
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

/// Applies pending migrations. Several processes may run it at once. If a migration fails, those
/// before it stay applied.
pub async fn migrate(db: &PgPool) -> std::result::Result<(), sqlx::migrate::MigrateError> {
    sqlx::migrate!("../../migrations").run(db).await
}

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

/// A new version 7 UUID: ids sort by the time they were created.
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}
