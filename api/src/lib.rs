//! The HTTP API: writes to Postgres, publishes jobs, and waits for their results.
//!
//! By design, the crate links no client of an acquirer, chain or bank, so the API cannot call one.

pub mod config;

mod actions;
mod error;
mod http;
mod openapi;
mod pages;
mod single_flight;
mod surfaces;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::middleware::from_fn;
use config::Config;
use domain::endpoint::Policy;
use domain::id::MerchantId;
use domain::surface::Surface;
use ipnet::IpNet;
use queue::{Publisher, Replies};
use store::accept::Accept;
use store::batch::{Batch, Statement};
use store::customers::Upsert;
use store::key_file;
use store::merchants::Profile;
use store::payments::Read;
use store::risk::Try;
use store::{PgPool, Role};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use zeroize::Zeroizing;

use self::single_flight::SingleFlight;

use crate::http::server::{Connections, Peers};

/// The largest request body that is accepted, bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Connections for the statements that serve several merchants at once.
const CONNECTIONS_FOR_MANY: u32 = Accept::CONNECTIONS + Upsert::CONNECTIONS + Read::CONNECTIONS;

/// State shared by all handlers.
struct App {
    db: PgPool,
    many: PgPool,
    accept: Batch<Accept>,
    customers: Batch<Upsert>,
    anonymous: http::anonymous::Anonymous,
    hits: http::hit_counter::HitCounter,
    reads: Batch<Read>,
    tries: Batch<Try>,
    publisher: Publisher,
    replies: Replies,
    profiles: SingleFlight<MerchantId, Result<Profile, error::ApiError>>,
    authenticator: http::auth::Authenticator,
    readiness: http::health::Readiness,
    sealing: actions::sealing_key::Keys,
    idempotency_key: Zeroizing<[u8; 32]>,
    keyed: actions::idempotency::InProgress,
    webhook_key: wire::signature::Key,
    endpoint_policy: Policy,
    public_url: String,
    trusted_proxies: Vec<IpNet>,
    wait: Duration,
    /// The requests that may be in progress.
    requests: http::shares::Shares,
    unsent: http::response::Unsent,
}

impl App {
    fn new(config: &Config) -> anyhow::Result<Self> {
        let connect = |role, connections| store::connect(role, &config.database_url, connections);
        let db = connect(Role::Api, config.database_connections)?;
        let many = connect(Role::Accept, CONNECTIONS_FOR_MANY)?;
        Ok(Self {
            accept: Batch::start(&many),
            customers: Batch::start(&many),
            anonymous: http::anonymous::Anonymous::default(),
            hits: http::hit_counter::HitCounter::start(&db),
            reads: Batch::start(&many),
            tries: Batch::start(&db),
            publisher: Publisher::start(&config.amqp_url, "sluice api"),
            replies: Replies::start(&config.amqp_url, "sluice api"),
            profiles: SingleFlight::default(),
            authenticator: http::auth::Authenticator::default(),
            readiness: http::health::Readiness::default(),
            sealing: actions::sealing_key::Keys::new(db.clone()),
            keyed: actions::idempotency::InProgress::default(),
            idempotency_key: key_file::read(&config.idempotency_key_file)?,
            webhook_key: wire::signature::Key::new(*key_file::read(&config.webhook_key_file)?),
            endpoint_policy: Policy {
                is_loopback_allowed: config.webhook_local,
            },
            public_url: config.public_url(),
            trusted_proxies: config.trusted_proxies.clone(),
            wait: config.wait(),
            requests: http::shares::Shares::new(config.requests()),
            unsent: http::response::Unsent::default(),
            db,
            many,
        })
    }
}

/// Runs the API until SIGTERM or SIGINT, then finishes the requests in flight.
///
/// # Errors
/// If a key file cannot be read, an address cannot be bound, or a server task panics.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let app = Arc::new(App::new(&config)?);
    let (operations, documents) = surfaces::routes(&app);
    let outside = http::health::routes(Arc::clone(&app)).merge(documents.routes());
    let outside = outside.layer(from_fn(http::headers::guard));
    let router = surfaces::with_errors(Surface::Finternet, outside)
        .merge(pages::routes(&app))
        .merge(operations)
        .layer(from_fn(pages::home))
        .layer(from_fn(http::request_id::name));
    http::health::serve(config.health_listen, Arc::clone(&app)).await?;
    let mut servers = Vec::new();
    let ending = ending()?;
    let most = usize::from(config.connections);
    let connections = Connections {
        all: Arc::new(Semaphore::new(most)),
        peers: Peers::new(most, &config.trusted_proxies),
    };
    for address in &config.listen {
        let (router, connections) = (router.clone(), connections.clone());
        servers.push(http::server::on(*address, router, connections, ending.clone()).await?);
    }
    for server in servers {
        server.await.context("a server task ended")?;
    }
    app.publisher.drain().await;
    Ok(())
}

/// A watch that becomes true on SIGTERM or SIGINT.
fn ending() -> anyhow::Result<watch::Receiver<bool>> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let (tell, ending) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tell.send_replace(true);
    });
    Ok(ending)
}
