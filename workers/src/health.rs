//! `/livez`: the process runs. `/readyz`: it has its database and its broker.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use queue::Health;
use store::PgPool;

#[derive(Clone)]
struct Stores {
    db: PgPool,
    broker: Health,
}

/// Serves health in the background.
pub async fn serve(address: SocketAddr, db: PgPool, broker: Health) -> anyhow::Result<()> {
    let consumer = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address} for health"))?;
    tracing::info!(address = %consumer.local_addr()?, "health is here");
    let router = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(Stores { db, broker });
    tokio::spawn(async move {
        if let Err(error) = axum::serve(consumer, router).await {
            tracing::error!(%error, "health is no longer served");
        }
    });
    Ok(())
}

async fn ready(State(stores): State<Stores>) -> (StatusCode, &'static str) {
    if store::ping(&stores.db).await.is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the database is away");
    }
    if !stores.broker.is_connected() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the broker is away");
    }
    (StatusCode::OK, "ok")
}
