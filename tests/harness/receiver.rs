//! A merchant's webhook endpoint: it keeps what comes, and behaves as it is told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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

/// How the receiver treats what comes.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// It answers with this status.
    Status(u16),
    /// It answers with a redirect to this URL.
    Redirect(String),
    /// It thinks this long and answers 200.
    Slow(Duration),
    /// It closes the connection without an answer.
    Drop,
}

/// What came.
#[derive(Debug, Clone)]
pub struct Request {
    /// The path with its query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub text: String,
}

impl Request {
    /// A header's text; empty if there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

/// A webhook endpoint in the test's own process.
#[derive(Debug, Clone)]
pub struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<Kept>>,
    closing: watch::Sender<bool>,
}

#[derive(Debug)]
struct Kept {
    requests: Vec<Request>,
    /// For the next requests, one each; then the last stays.
    behaviours: VecDeque<Behaviour>,
}

impl Receiver {
    /// Starts one that answers 200.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start() -> Result<Self> {
        Self::start_at(([127, 0, 0, 1], 0).into()).await
    }

    /// Starts one at this address that answers 200.
    ///
    /// # Errors
    /// If the address is taken.
    pub async fn start_at(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let (closing, mut closed) = watch::channel(false);
        let receiver = Self {
            address: listener.local_addr()?,
            closing,
            state: Arc::new(Mutex::new(Kept {
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

    /// Goes down: nobody listens there any more.
    ///
    /// # Errors
    /// If somebody still does.
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
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path here.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Behaves like this from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.behave_in_turn([behaviour]);
    }

    /// Behaves like each of these once; the last one stays.
    pub fn behave_in_turn(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.kept().behaviours = behaviours.into_iter().collect();
    }

    /// Everything that came, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.kept().requests.clone()
    }

    /// Waits until `count` requests have come, and returns all.
    ///
    /// # Errors
    /// If they do not come within 30 s.
    pub async fn wait_for(&self, count: usize) -> Result<Vec<Request>> {
        let what = format!("{count} webhooks have come");
        until(&what, Duration::from_secs(30), async || {
            Ok(Some(self.requests()).filter(|requests| requests.len() >= count))
        })
        .await
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
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
        let mut kept = receiver.kept();
        kept.requests.push(Request {
            path: uri.to_string(),
            headers,
            text: String::from_utf8_lossy(&body).into_owned(),
        });
        let only_one = kept.behaviours.len() < 2;
        let next = if only_one {
            kept.behaviours.front().cloned()
        } else {
            kept.behaviours.pop_front()
        };
        next.unwrap_or(Behaviour::Status(200))
    };
    match behaviour {
        Behaviour::Status(status) => StatusCode::from_u16(status)
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            .into_response(),
        Behaviour::Redirect(to) => {
            (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response()
        }
        Behaviour::Slow(time) => {
            tokio::time::sleep(time).await;
            StatusCode::OK.into_response()
        }
        // Unwinds the connection's task, silently: the connection closes.
        Behaviour::Drop => std::panic::resume_unwind(Box::new("dropped")),
    }
}
