//! An endpoint that takes every webhook and knows when its payment was meant to be sent.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use hdrhistogram::Histogram;
use tests::Gateway;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

#[derive(Default)]
struct Inner {
    meant: HashMap<u64, Instant>,
    arrived: HashMap<u64, Instant>,
    received: u64,
}

/// The endpoint.
#[derive(Clone)]
pub struct Sink {
    address: SocketAddr,
    /// How long it takes to answer.
    latency: Duration,
    inner: Arc<Mutex<Inner>>,
}

impl Sink {
    pub async fn start() -> Result<Self> {
        Self::start_slow(Duration::ZERO).await
    }

    /// Starts one that answers after `latency`.
    pub async fn start_slow(latency: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let sink = Self {
            address: listener.local_addr()?,
            latency,
            inner: Arc::default(),
        };
        let router = Router::new()
            .route("/", post(receive))
            .with_state(sink.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(sink)
    }

    /// Registers it for everything.
    pub async fn register(&self, gateway: &Gateway) -> Result<()> {
        let body = serde_json::json!({"url": format!("http://{}/", self.address), "events": ["*"]});
        let answer = gateway.post("/v1/webhooks", &body).await?;
        ensure!(answer.status == 200, "{}", answer.text);
        Ok(())
    }

    /// A payment with this number is meant to be sent now.
    pub fn meant(&self, number: u64, at: Instant) {
        self.inner().meant.insert(number, at);
    }

    /// Forgets everything, before a block.
    pub fn forget(&self) {
        *self.inner() = Inner::default();
    }

    /// How many webhooks came.
    pub fn received(&self) -> u64 {
        self.inner().received
    }

    /// From meant to arrived, in microseconds.
    pub fn latencies(&self) -> Histogram<u64> {
        let mut histogram = Histogram::new_with_max(600_000_000, 3)
            .unwrap_or_else(|_| unreachable!("three digits up to ten minutes"));
        let inner = self.inner();
        for (number, arrived) in &inner.arrived {
            if let Some(meant) = inner.meant.get(number) {
                let micros = arrived.saturating_duration_since(*meant).as_micros();
                histogram.saturating_record(u64::try_from(micros).unwrap_or(u64::MAX));
            }
        }
        histogram
    }

    fn receive(&self, body: &[u8]) {
        let now = Instant::now();
        let mut inner = self.inner();
        inner.received += 1;
        if let Some(number) = number(body) {
            inner.arrived.entry(number).or_insert(now);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn receive(State(sink): State<Sink>, body: Bytes) {
    sink.receive(&body);
    if !sink.latency.is_zero() {
        sleep(sink.latency).await;
    }
}

/// The number that the load wrote into the description.
fn number(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once(r#""description":""#)?;
    rest.split_once('"')?.0.parse().ok()
}
