//! Database roles: one for each process, with its login.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use log::LevelFilter;
use pbkdf2::pbkdf2_hmac_array;
use sha2::{Digest, Sha256};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};
use zeroize::Zeroizing;

use crate::Result;
use crate::failure::Failure;

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

/// A database role: what a process may read and write. Migrations create the roles and grant their
/// rights. All but [`Role::Accept`] and [`Role::Verify`] log in.
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
    /// Reads everything but sealed cards, for `sluice verify`. The operator's login takes it on.
    Verify,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 8] = [
        Role::Api,
        Role::Accept,
        Role::Scheduler,
        Role::Card,
        Role::Refund,
        Role::Webhook,
        Role::Operator,
        Role::Verify,
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
            Role::Verify => "sluice_verify",
        }
    }

    /// Whether a process logs in as it. Other roles are taken on by a login that is their member.
    pub const fn may_log_in(self) -> bool {
        !matches!(self, Role::Accept | Role::Verify)
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
            Role::Verify => "sluice verify",
        }
    }
}

/// Opens a pool of at most `connections`, lazily: the database may start later. The URL's user must be
/// the role or a member of it: the API logs in as `sluice_api` and takes on `sluice_accept` too.
pub fn connect(role: Role, url: &str, connections: u32) -> Result<PgPool> {
    let options = options(url, role.process())?.options([("role", role.name())]);
    let options = options.options(LOOKUP_SETTINGS).options([
        ("statement_timeout", "15s"),
        // A request may wait for two statements, and shall be answered while its client still waits.
        ("lock_timeout", "3s"),
        ("idle_in_transaction_session_timeout", "30s"),
    ]);
    // Some connections are ready before the first request, which a busy server would keep waiting.
    let pool = pool(connections).min_connections(connections.min(2));
    Ok(pool.connect_lazy_with(options))
}

/// Opens a pool for the operator's command: without timeouts and [`LOOKUP_SETTINGS`], because its
/// queries read whole tables.
pub fn connect_operator(url: &str) -> Result<PgPool> {
    let role = Role::Operator;
    let options = options(url, role.process())?.options([("role", role.name())]);
    Ok(pool(2).connect_lazy_with(options))
}

/// Opens a pool of one connection for the reports. They read ranges of rows by index, so they need
/// [`LOOKUP_SETTINGS`], but each range with a plan of its own: its lists of legal values are long, and a plan
/// that knows them looks each value up in a hash table. No statement lasts longer than two seconds, or it would
/// keep Postgres from removing what other transactions have replaced meanwhile.
pub fn connect_reports(url: &str) -> Result<PgPool> {
    let role = Role::Verify;
    let options = options(url, role.process())?.options([("role", role.name())]);
    let options = options.options(LOOKUP_SETTINGS).options([
        ("plan_cache_mode", "force_custom_plan"),
        // One core is left to the processes that serve merchants.
        ("max_parallel_workers_per_gather", "0"),
        ("statement_timeout", "2s"),
        ("lock_timeout", "2s"),
    ]);
    Ok(pool(1).connect_lazy_with(options))
}

/// Opens a pool as the tables' owner, for migrations.
pub fn connect_owner(url: &str) -> Result<PgPool> {
    Ok(pool(2).connect_lazy_with(options(url, "sluice migrate")?))
}

fn options(url: &str, process: &str) -> Result<PgConnectOptions> {
    Ok(PgConnectOptions::from_str(url)?.application_name(process))
}

/// A longer wait for a connection is logged, and the log counts the waits as a metric.
const SLOW_ACQUIRE: Duration = Duration::from_millis(20);

fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(2))
        .acquire_slow_threshold(SLOW_ACQUIRE)
        .acquire_slow_level(LevelFilter::Debug)
        .test_before_acquire(false)
}

/// Why the logins of the roles were not set.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The password's file cannot be read.
    #[error("the password file {path} cannot be read")]
    File {
        /// The file's path.
        path: PathBuf,
        /// The I/O error.
        source: std::io::Error,
    },
    /// The file is empty or has characters that a URL would have to escape.
    #[error("the password file {path} does not contain one word of letters, digits, '-' and '_'")]
    NotAPassword {
        /// The file's path.
        path: PathBuf,
    },
    /// The database refused.
    #[error("{}", Failure::of_sqlx(.0))]
    Database(#[from] sqlx::Error),
}

/// The password of a role: the content of `<role>.password` in `dir`.
pub fn password(dir: &Path, role: Role) -> std::result::Result<Zeroizing<String>, PasswordError> {
    let path = dir.join(format!("{}.password", role.name()));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(source) => return Err(PasswordError::File { path, source }),
    };
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match text.trim() {
        word if !word.is_empty() && word.bytes().all(is_word) => {
            Ok(Zeroizing::new(word.to_owned()))
        }
        _ => Err(PasswordError::NotAPassword { path }),
    }
}

/// Lets each role log in with its password from `dir`. Roles belong to the cluster: this changes their
/// passwords for all its databases.
pub async fn allow_logins(db: &PgPool, dir: &Path) -> std::result::Result<(), PasswordError> {
    let mut tx = db.begin().await?;
    lock_roles(&mut tx).await?;
    for role in Role::ALL.into_iter().filter(|role| role.may_log_in()) {
        let verifier = verifier(&password(dir, role)?, &rand::random());
        // Safe: our own role's name, and letters, digits and `$+/:=-`.
        let alter = format!("alter role {} login password '{verifier}'", role.name());
        sqlx::query(AssertSqlSafe(alter)).execute(&mut *tx).await?;
    }
    Ok(tx.commit().await?)
}

/// Keeps others from changing roles until the transaction ends: two at once would fail with "tuple
/// concurrently updated".
pub(crate) async fn lock_roles(tx: &mut sqlx::PgTransaction<'_>) -> sqlx::Result<()> {
    sqlx::query("select pg_advisory_xact_lock(hashtext('sluice roles'))")
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What Postgres stores instead of the password (RFC 5803). Computed here, so that the password cannot
/// appear in the database's log.
pub(crate) fn verifier(password: &str, salt: &[u8; 16]) -> String {
    const ITERATIONS: u32 = 4_096;
    let salted: [u8; 32] = pbkdf2_hmac_array::<Sha256, 32>(password.as_bytes(), salt, ITERATIONS);
    let stored = Sha256::digest(hmac(&salted, b"Client Key"));
    let server = hmac(&salted, b"Server Key");
    let [salt, stored, server] =
        [salt.as_slice(), &stored, &server].map(|b| BASE64_STANDARD.encode(b));
    format!("SCRAM-SHA-256${ITERATIONS}:{salt}${stored}:{server}")
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677, section 3: password "pencil". The keys were computed from it with
    /// Python's hashlib.
    #[test]
    fn the_verifier_is_the_one_postgres_computes() {
        let salt = BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==");
        let salt: Option<[u8; 16]> = salt.ok().and_then(|salt| salt.try_into().ok());
        let verifier = salt.map(|salt| verifier("pencil", &salt));
        assert_eq!(verifier.as_deref(), Some(EXPECTED));
    }

    const EXPECTED: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
}
