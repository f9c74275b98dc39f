//! The internal listener: `/livez`, `/readyz`, which needs the database and the broker, and `/metrics`.

use std::net::SocketAddr;

use queue::Health;
use store::PgPool;
use telemetry::metrics::table::{BROKER_CONNECTED, MESSAGES_DROPPED, MESSAGES_UNDECODABLE};
use telemetry::{metrics, server};

/// The connections to the broker of a process.
#[derive(Clone)]
pub struct Broker {
    pub publisher: Health,
    /// Of the workers with a queue.
    pub consumer: Option<Health>,
}

impl Broker {
    /// Whether jobs arrive, or for the scheduler leave.
    fn is_connected(&self) -> bool {
        let used = self.consumer.as_ref().unwrap_or(&self.publisher);
        used.is_connected()
    }

    fn sample(&self) {
        let connected = |health: &Health| u64::from(health.is_connected());
        BROKER_CONNECTED.set_count(["publisher"], connected(&self.publisher));
        MESSAGES_DROPPED.set([], self.publisher.dropped());
        if let Some(consumer) = &self.consumer {
            BROKER_CONNECTED.set_count(["consumer"], connected(consumer));
            MESSAGES_UNDECODABLE.set([], consumer.undecodable());
        }
    }
}

/// Serves in the background. `process` names the pool in the metrics.
pub async fn serve(
    address: SocketAddr,
    process: &'static str,
    db: PgPool,
    broker: Broker,
) -> anyhow::Result<()> {
    let (pool, connections) = (db.clone(), broker.clone());
    let ready = move || {
        let (db, broker) = (db.clone(), broker.clone());
        async move {
            if store::ping(&db).await.is_err() {
                return Err("the database is unavailable");
            }
            if !broker.is_connected() {
                return Err("the broker is unavailable");
            }
            Ok(())
        }
    };
    let sample = move || {
        let most = pool.options().get_max_connections();
        metrics::set_pool(process, pool.size(), pool.num_idle(), most);
        connections.sample();
    };
    server::serve(address, ready, sample).await
}
