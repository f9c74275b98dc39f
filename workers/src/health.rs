//! `/livez`: the process runs. `/readyz`: its database and its broker are reachable.

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

/// Serves the health endpoints in the background.
pub async fn serve(address: SocketAddr, db: PgPool, broker: Health) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address} for health"))?;
    tracing::info!(address = %listener.local_addr()?, "health server listening");
    let router = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(Stores { db, broker });
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the health server stopped");
        }
    });
    Ok(())
}

async fn ready(State(stores): State<Stores>) -> (StatusCode, &'static str) {
    if store::ping(&stores.db).await.is_err() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database is unavailable",
        );
    }
    if !stores.broker.is_connected() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the broker is unavailable");
    }
    (StatusCode::OK, "ok")
}
