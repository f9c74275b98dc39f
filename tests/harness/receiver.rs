//! A merchant's webhook endpoint: it records requests and responds as a test sets.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::wait::until;

/// How the receiver responds.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// With this status.
    Status(u16),
    /// With this status, `Retry-After` and body.
    Full(u16, String, Vec<u8>),
    /// With a redirect to this URL.
    Redirect(String),
    /// With 200 after this long.
    Slow(Duration),
    /// With this status after this long.
    SlowStatus(Duration, u16),
    /// It closes the connection without a response.
    Drop,
}

/// A request that was received.
#[derive(Debug, Clone)]
pub struct Request {
    /// When it arrived.
    pub at: Instant,
    /// The path with its query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub text: String,
}

impl Request {
    /// A header's text; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// The body as JSON; null if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

/// A webhook endpoint in the test's own process.
#[derive(Debug, Clone)]
pub struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<Inner>>,
    closing: watch::Sender<bool>,
}

#[derive(Debug)]
struct Inner {
    requests: Vec<Request>,
    /// For the next requests, one each; the last stays.
    behaviours: VecDeque<Behaviour>,
}

impl Receiver {
    /// Starts one that responds with 200.
    pub async fn start() -> Result<Self> {
        Self::start_at(([127, 0, 0, 1], 0).into()).await
    }

    /// Starts one at this address that responds with 200.
    pub async fn start_at(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let (closing, mut closed) = watch::channel(false);
        let receiver = Self {
            address: listener.local_addr()?,
            closing,
            state: Arc::new(Mutex::new(Inner {
                requests: Vec::new(),
                behaviours: VecDeque::from([Behaviour::Status(200)]),
            })),
        };
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move {
            let end = async move { drop(closed.wait_for(|closed| *closed).await) };
            axum::serve(listener, router)
                .with_graceful_shutdown(end)
                .await
        });
        Ok(receiver)
    }

    /// Stops listening.
    pub async fn close(&self) -> Result<()> {
        self.closing.send_replace(true);
        until(
            "the receiver is down",
            Duration::from_secs(10),
            async || {
                Ok(TcpStream::connect(self.address)
                    .await
                    .is_err()
                    .then_some(()))
            },
        )
        .await
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path here.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Responds like this from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.behave_in_turn([behaviour]);
    }

    /// Responds like each of these once, and then like the last.
    pub fn behave_in_turn(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.inner().behaviours = behaviours.into_iter().collect();
    }

    /// All requests, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.inner().requests.clone()
    }

    /// How many requests arrived.
    pub fn count(&self) -> usize {
        self.inner().requests.len()
    }

    /// Waits up to 30 s for `count` requests.
    pub async fn wait_for_count(&self, count: usize) -> Result<()> {
        let what = format!("{count} webhooks have arrived");
        until(&what, Duration::from_secs(30), async || {
            Ok((self.count() >= count).then_some(()))
        })
        .await
    }

    /// Waits up to 30 s for `count` requests, and returns all.
    pub async fn wait_for(&self, count: usize) -> Result<Vec<Request>> {
        self.wait_for_count(count).await?;
        Ok(self.requests())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let behaviour = {
        let mut inner = receiver.inner();
        inner.requests.push(Request {
            at: Instant::now(),
            path: uri.to_string(),
            headers,
            text: String::from_utf8_lossy(&body).into_owned(),
        });
        let only_one = inner.behaviours.len() < 2;
        let next = if only_one {
            inner.behaviours.front().cloned()
        } else {
            inner.behaviours.pop_front()
        };
        next.unwrap_or(Behaviour::Status(200))
    };
    match behaviour {
        Behaviour::Status(status) => StatusCode::from_u16(status)
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            .into_response(),
        Behaviour::Full(status, retry_after, body) => {
            let status = StatusCode::from_u16(status).unwrap_or_default();
            (status, [("retry-after", retry_after)], body).into_response()
        }
        Behaviour::Redirect(to) => {
            (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response()
        }
        Behaviour::Slow(time) => {
            tokio::time::sleep(time).await;
            StatusCode::OK.into_response()
        }
        Behaviour::SlowStatus(time, status) => {
            tokio::time::sleep(time).await;
            StatusCode::from_u16(status)
                .unwrap_or_default()
                .into_response()
        }
        // Unwinds the connection's task, silently: the connection closes.
        Behaviour::Drop => std::panic::resume_unwind(Box::new("dropped")),
    }
}
