//! The database session that stands for a running process. A claim names it, so that the claims of a killed
//! process are free as soon as Postgres notices that its connection is gone, long before their leases
//! end. A paused process keeps its connection and its leases.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use sqlx::{Connection, PgPool};
use tokio::time::{sleep, timeout};

use crate::Result;

/// How often the connection is checked.
const CHECK: Duration = Duration::from_secs(1);
/// How long the database may take to answer a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// A session that holds an advisory lock under its id. Clones share it.
#[derive(Debug, Clone)]
pub struct Session(Arc<AtomicI64>);

impl Session {
    /// Opens the session in the background, on a connection of its own, and opens another one under a new
    /// id whenever it is lost.
    pub fn start(db: &PgPool) -> Self {
        let session = Self(Arc::new(AtomicI64::new(0)));
        tokio::spawn(hold(db.clone(), Arc::clone(&session.0)));
        session
    }

    /// The id, or `None` while there is no session. Claims without one last until their lease ends.
    pub fn id(&self) -> Option<i64> {
        Some(self.0.load(Relaxed)).filter(|id| *id != 0)
    }
}

async fn hold(db: PgPool, id: Arc<AtomicI64>) {
    while !db.is_closed() {
        if let Err(error) = hold_once(&db, &id).await {
            tracing::info!(%error, retry_in = ?CHECK, "no database session for claims, will open another one");
        }
        id.store(0, Relaxed);
        sleep(CHECK).await;
    }
}

/// Returns when the session is lost.
async fn hold_once(db: &PgPool, id: &AtomicI64) -> Result<()> {
    let mut connection = db.acquire().await?.detach();
    // Random, so that no later session gets the id of one that ended.
    let (_, own) = crate::new_id().as_u64_pair();
    let own = own.cast_signed();
    sqlx::query!("select pg_advisory_lock($1)", own)
        .execute(&mut connection)
        .await?;
    id.store(own, Relaxed);
    loop {
        sleep(CHECK).await;
        let checked = timeout(CHECK_TIMEOUT, connection.ping()).await;
        checked.map_err(|_| sqlx::Error::PoolTimedOut)??;
    }
}
