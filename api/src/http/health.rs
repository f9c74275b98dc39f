//! `/livez`: the process runs. `/readyz`: it can accept payments, which needs the database and a
//! sealing key, but not the broker.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::App;

pub fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(app)
}

async fn ready(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    let unavailable = |why| (StatusCode::SERVICE_UNAVAILABLE, why);
    if store::ping(&app.db).await.is_err() {
        return unavailable("the database is unreachable");
    }
    if app.sealing.newest().await.is_err() {
        return unavailable("no sealing key: the card worker has not run yet");
    }
    (StatusCode::OK, "ok")
}
