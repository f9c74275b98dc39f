//! `/livez`: the process runs. `/readyz`: it can accept payments, which needs the database and a
//! sealing key, but not the broker. The internal listener serves them too, and `/metrics`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use store::PgPool;
use telemetry::metrics::table::{BROKER_CONNECTED, MESSAGES_DROPPED};
use telemetry::{metrics, server};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::App;

/// How long a check counts. Anyone may ask, so the number of checks must not follow the number of
/// requests.
const CHECKED_FOR: Duration = Duration::from_millis(500);

/// How long a check may take; others wait for it.
const CHECK_TIME_MAX: Duration = Duration::from_secs(5);

type Health = (StatusCode, &'static str);

/// The last check of this process. Requests that arrive during a check wait for it.
#[derive(Default)]
pub struct Readiness(Mutex<Option<(Instant, Health)>>);

pub fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(app)
}

/// Serves the internal listener in the background.
pub async fn serve(address: SocketAddr, app: Arc<App>) -> anyhow::Result<()> {
    let sampled = Arc::clone(&app);
    let ready = move || {
        let app = Arc::clone(&app);
        async move {
            let (status, text) = ready(State(app)).await;
            if status == StatusCode::OK {
                Ok(())
            } else {
                Err(text)
            }
        }
    };
    server::serve(address, ready, move || sample(&sampled)).await
}

/// Sets the metrics that are read from memory at a scrape.
fn sample(app: &App) {
    let set_pool = |name, pool: &PgPool| {
        let most = pool.options().get_max_connections();
        metrics::set_pool(name, pool.size(), pool.num_idle(), most);
    };
    set_pool("api", &app.db);
    set_pool("accept", &app.many);
    let (publisher, replies) = (app.publisher.health(), app.replies.health());
    for (connection, health) in [("publisher", &publisher), ("replies", &replies)] {
        BROKER_CONNECTED.set_count([connection], health.is_connected().into());
    }
    MESSAGES_DROPPED.set([], publisher.dropped());
}

async fn ready(State(app): State<Arc<App>>) -> Health {
    let mut last = app.readiness.0.lock().await;
    match *last {
        Some((since, health)) if since.elapsed() < CHECKED_FOR => health,
        _ => {
            let health = timeout(CHECK_TIME_MAX, check(&app)).await;
            let health = health.unwrap_or(unavailable("the database does not respond"));
            *last = Some((Instant::now(), health));
            health
        }
    }
}

const fn unavailable(why: &'static str) -> Health {
    (StatusCode::SERVICE_UNAVAILABLE, why)
}

async fn check(app: &App) -> Health {
    if store::ping(&app.db).await.is_err() {
        return unavailable("the database is unreachable");
    }
    if app.sealing.newest().await.is_err() {
        return unavailable("no sealing key: the card worker has not run yet");
    }
    (StatusCode::OK, "ok")
}
