//! Obstacles in the database: locks, missing tables and rows, writes that are refused, and the end
//! of a dead process's connections.

use std::time::Duration;

use anyhow::Result;
use sqlx::{AssertSqlSafe, Postgres, Transaction};

use crate::gateway::Gateway;
use crate::rows::payment_id;
use crate::wait::until;

/// The longest wait.
const SOON: Duration = Duration::from_secs(30);

/// A lock that ends with [`Transaction::rollback`], or when it is dropped.
pub type Lock<'a> = Transaction<'a, Postgres>;

/// What becomes of the statement in which a process was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Interrupted {
    Committed,
    RolledBack,
}

impl Gateway {
    /// Blocks every new payment: its merchant cannot be referred to.
    pub async fn lock_merchants(&self) -> Result<Lock<'_>> {
        self.lock("select from merchants for update").await
    }

    /// Blocks updates of these payments, but not claims of their jobs.
    pub async fn lock_payments(&self, payments: &[&str]) -> Result<Lock<'_>> {
        let mut lock = self.database().begin().await?;
        for payment in payments {
            // Weaker than what an update of it takes, but for another update.
            let query = sqlx::query("select from payments where id = $1 for no key update");
            query.bind(payment_id(payment)?).execute(&mut *lock).await?;
        }
        Ok(lock)
    }

    /// Blocks updates of all refunds, but not claims of their jobs.
    pub async fn lock_refunds(&self) -> Result<Lock<'_>> {
        self.lock("select from refunds for no key update").await
    }

    /// Blocks the counting of requests.
    pub async fn lock_rate_limits(&self) -> Result<Lock<'_>> {
        self.lock("lock table rate_windows in access exclusive mode")
            .await
    }

    async fn lock(&self, statement: &'static str) -> Result<Lock<'_>> {
        let mut lock = self.database().begin().await?;
        sqlx::query(statement).execute(&mut *lock).await?;
        Ok(lock)
    }

    /// Waits until at least `count` connections of `application` wait for locks.
    pub async fn wait_blocked(&self, application: &str, count: i64) -> Result<()> {
        let query = "select count(*) from pg_stat_activity
                     where datname = current_database() and application_name = $1
                       and wait_event_type = 'Lock'";
        let what = format!("{count} statements wait for locks");
        until(&what, SOON, async || {
            let waiting = sqlx::query_scalar(query).bind(application);
            let waiting: i64 = waiting.fetch_one(self.database()).await?;
            Ok((waiting >= count).then_some(()))
        })
        .await
    }

    /// Waits until a statement waits for this lock.
    pub async fn wait_blocked_by(&self, lock: &mut Lock<'_>) -> Result<()> {
        let own: i32 = sqlx::query_scalar("select pg_backend_pid()")
            .fetch_one(&mut **lock)
            .await?;
        let query = "select count(*) from pg_stat_activity where $1 = any(pg_blocking_pids(pid))";
        until("a statement waits for the lock", SOON, async || {
            let waiting = sqlx::query_scalar(query).bind(own);
            let waiting: i64 = waiting.fetch_one(self.database()).await?;
            Ok((waiting > 0).then_some(()))
        })
        .await
    }

    /// Ends the connections of a dead process, before or after their statements are committed, and
    /// with them the lock for which they wait.
    pub async fn end_connections(
        &self,
        lock: Lock<'_>,
        application: &str,
        interrupted: Interrupted,
    ) -> Result<()> {
        if interrupted == Interrupted::RolledBack {
            let query = "select pg_terminate_backend(pid) from pg_stat_activity
                         where datname = current_database() and application_name = $1";
            let query = sqlx::query(query).bind(application);
            query.execute(self.database()).await?;
            self.wait_disconnected(application).await?;
        }
        lock.rollback().await?;
        self.wait_disconnected(application).await
    }

    async fn wait_disconnected(&self, application: &str) -> Result<()> {
        let query = "select count(*) from pg_stat_activity
                     where datname = current_database() and application_name = $1";
        until("a dead process's connections are gone", SOON, async || {
            let left = sqlx::query_scalar(query).bind(application);
            let left: i64 = left.fetch_one(self.database()).await?;
            Ok((left == 0).then_some(()))
        })
        .await
    }

    /// Makes the database refuse every new entry in a payment's history.
    pub async fn refuse_history_of(&self, payment: &str) -> Result<()> {
        let id = payment_id(payment)?;
        self.execute(format!(
            "alter table payment_history add constraint poison check (payment_id <> '{id}') not valid"
        ))
        .await
    }

    /// Undoes [`Gateway::refuse_history_of`].
    pub async fn accept_history(&self) -> Result<()> {
        let statement = "alter table payment_history drop constraint poison";
        self.execute(statement.to_owned()).await
    }

    /// Runs `meanwhile` while these tables are missing.
    pub async fn without_tables<T>(
        &self,
        tables: &[&str],
        meanwhile: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        for table in tables {
            self.execute(format!("alter table {table} rename to hidden_{table}"))
                .await?;
        }
        let result = meanwhile.await;
        for table in tables {
            self.execute(format!("alter table hidden_{table} rename to {table}"))
                .await?;
        }
        result
    }

    /// Runs `meanwhile` while this table is empty.
    pub async fn without_rows<T>(
        &self,
        table: &str,
        meanwhile: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.execute(format!("create table hidden_rows as table {table}"))
            .await?;
        self.execute(format!("delete from {table}")).await?;
        let result = meanwhile.await;
        self.execute(format!("insert into {table} table hidden_rows"))
            .await?;
        self.execute("drop table hidden_rows".to_owned()).await?;
        result
    }

    /// Writes everything that Postgres holds in memory to its files.
    pub async fn checkpoint(&self) -> Result<()> {
        self.execute("checkpoint".to_owned()).await
    }

    async fn execute(&self, statement: String) -> Result<()> {
        let query = sqlx::query(AssertSqlSafe(statement));
        query.execute(self.database()).await?;
        Ok(())
    }
}
