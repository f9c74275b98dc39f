//! The migrations, and how they are applied to a database in use.
//!
//! A migration waits half a second for a lock, because all statements that come after it wait behind it. Then
//! it is undone and tried again. Each is applied and recorded in a transaction of its own, so a run that was
//! cut off continues with the next one. A file that starts with `-- no-transaction` has one statement, such as
//! `create index concurrently if not exists`. It blocks nobody while it waits, so it may wait longer; an index
//! that a cut-off run has left unfinished is built again.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use sqlx::error::DatabaseError;
use sqlx::migrate::{Migrate, Migration, Migrator};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::time::sleep;

/// The migrations, as they were when this crate was compiled.
pub static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// The longest wait for a lock that others wait behind.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);
/// How long to wait for another run's end at a time. Short, because a statement that waits has a snapshot, and
/// an index that is built concurrently waits for the end of all snapshots.
const OTHER_RUN_TIMEOUT: Duration = Duration::from_millis(50);
/// The pause before the second try. It doubles, up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Why the migrations were not applied. Those before the failed one stay applied.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// Another run did not end in time.
    #[error("another `sluice migrate` is running")]
    OtherRun,
    /// Other sessions held the locks that the migration needs.
    #[error("migration {version} got no lock; {holder}")]
    Locked {
        /// The migration.
        version: i64,
        /// The session with the oldest transaction.
        holder: String,
    },
    /// The database rejected a statement, or its schema is of another version.
    #[error(transparent)]
    Failed(#[from] sqlx::migrate::MigrateError),
    /// The database cannot be reached.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl MigrateError {
    /// Whether a lock was not released in time, or a deadlock was resolved against this statement.
    fn is_locked(&self) -> bool {
        use sqlx::migrate::MigrateError as Failed;
        let (MigrateError::Failed(Failed::Execute(error) | Failed::ExecuteMigration(error, _))
        | MigrateError::Database(error)) = self
        else {
            return false;
        };
        let code = error.as_database_error().and_then(DatabaseError::code);
        matches!(code.as_deref(), Some("55P03" | "40P01"))
    }
}

/// The result of applying migrations.
type Result<T> = std::result::Result<T, MigrateError>;

/// Applies pending migrations, and reports each in a line. Waits up to `patience` for another run's end, and
/// for the locks of each migration.
pub async fn apply(
    db: &PgPool,
    migrator: &Migrator,
    patience: Duration,
    mut report: impl FnMut(String),
) -> Result<()> {
    // Closed afterwards: its settings and locks end with it.
    let mut connection = db.acquire().await?.detach();
    let applied = Box::pin(apply_all(&mut connection, migrator, patience, &mut report)).await;
    connection.close().await?;
    applied
}

async fn apply_all(
    db: &mut PgConnection,
    migrator: &Migrator,
    patience: Duration,
    report: &mut impl FnMut(String),
) -> Result<()> {
    set_timeout(db, "statement_timeout", Duration::ZERO).await?;
    lock(db, patience, report).await?;
    // Nothing has this version. It creates the table of applied migrations, and checks that we know all of them.
    migrator.run_to(0, &mut *db).await?;
    let applied = db.list_applied_migrations(&migrator.table_name).await?;
    let applied: HashSet<i64> = applied.iter().map(|applied| applied.version).collect();
    let pending = migrator.iter();
    for migration in pending.filter(|migration| !applied.contains(&migration.version)) {
        apply_one(db, migrator, migration, patience, report).await?;
    }
    // Nothing is left to apply: checks that none has changed since it was applied.
    Ok(migrator.run(db).await?)
}

/// Becomes the only run: holds sqlx's lock until the connection is closed.
async fn lock(
    db: &mut PgConnection,
    patience: Duration,
    report: &mut impl FnMut(String),
) -> Result<()> {
    let end = Instant::now() + patience;
    set_timeout(db, "lock_timeout", OTHER_RUN_TIMEOUT).await?;
    let mut is_reported = false;
    loop {
        match db.lock().await.map_err(MigrateError::from) {
            Err(error) if !error.is_locked() => return Err(error),
            Err(_) if Instant::now() >= end => return Err(MigrateError::OtherRun),
            Err(_) => {}
            Ok(()) => return Ok(()),
        }
        if !is_reported {
            report("waiting for another `sluice migrate` to end".to_owned());
            is_reported = true;
        }
        sleep(LOCK_TIMEOUT).await;
    }
}

async fn apply_one(
    db: &mut PgConnection,
    migrator: &Migrator,
    migration: &Migration,
    patience: Duration,
    report: &mut impl FnMut(String),
) -> Result<()> {
    let (started, mut pause) = (Instant::now(), PAUSE);
    let version = migration.version;
    let name = format!("{version:04} {}", migration.description);
    loop {
        let left = patience.saturating_sub(started.elapsed());
        let tried = try_one(db, migrator, migration, left).await;
        match tried {
            Ok(()) => {
                report(format!("applied {name} in {:.1?}", started.elapsed()));
                return Ok(());
            }
            Err(error) if !error.is_locked() => return Err(error),
            Err(_) if started.elapsed() + pause > patience => {
                let holder = oldest_transaction(db).await?;
                return Err(MigrateError::Locked { version, holder });
            }
            Err(_) => report(format!(
                "{name} waits for a lock; trying again in {pause:.1?}"
            )),
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

async fn try_one(
    db: &mut PgConnection,
    migrator: &Migrator,
    migration: &Migration,
    left: Duration,
) -> Result<()> {
    let timeout = if migration.no_tx { left } else { LOCK_TIMEOUT };
    // Zero would mean no timeout.
    set_timeout(db, "lock_timeout", timeout.max(LOCK_TIMEOUT)).await?;
    if migration.no_tx {
        drop_unfinished_indexes(db, migration.sql.as_str()).await?;
    }
    Ok(migrator.run_to(migration.version, &mut *db).await?)
}

/// Drops the indexes that this statement creates and that an earlier run has left invalid.
async fn drop_unfinished_indexes(db: &mut PgConnection, sql: &str) -> Result<()> {
    let indexes = sqlx::query_scalar!(
        r#"select quote_ident(c.relname) as "name!"
           from pg_index i join pg_class c on c.oid = i.indexrelid
           where not i.indisvalid and c.relnamespace = current_schema::regnamespace
             and $1 ~ ('\m' || c.relname || '\M')"#,
        sql,
    );
    for index in indexes.fetch_all(&mut *db).await? {
        let drop = AssertSqlSafe(format!("drop index concurrently if exists {index}"));
        sqlx::query(drop).execute(&mut *db).await?;
    }
    Ok(())
}

/// The session that most likely holds the lock: the one whose transaction is the oldest.
async fn oldest_transaction(db: &mut PgConnection) -> Result<String> {
    let oldest = sqlx::query_scalar!(
        r#"select format('the oldest transaction is that of session %s (%s, user %s, %s), since %s s', pid,
                         application_name, usename, state, round(extract(epoch from now() - xact_start)))
                  as "oldest!"
           from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
           order by xact_start limit 1"#
    );
    let oldest = oldest.fetch_optional(db).await?;
    Ok(oldest.unwrap_or_else(|| "no other session has a transaction now".to_owned()))
}

/// Sets a timeout of this session; zero is none.
async fn set_timeout(db: &mut PgConnection, name: &str, timeout: Duration) -> Result<()> {
    let set = format!("set {name} = '{}ms'", timeout.as_millis());
    sqlx::query(AssertSqlSafe(set)).execute(db).await?;
    Ok(())
}
