//! Load over plain HTTP/1.1, with as little of the machine as possible: what the generator takes is
//! missing to what is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tests::{Gateway, Process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::sink::Sink;

/// What a POST creates.
#[derive(Clone, Copy)]
pub struct Object {
    path: &'static str,
    body: fn(u64) -> String,
}

/// A payment whose request does not wait for the outcome.
pub const WITHOUT_CARD: Object = Object {
    path: "/v1/payments",
    body: |number| {
        format!(
            r#"{{"amount":5000,"currency":"USD","payment_method":"card","description":"{number}"}}"#
        )
    },
};

/// A payment that goes all the way. Its description numbers it, so that its webhook is known.
pub const WITH_CARD: Object = Object {
    path: "/v1/payments",
    body: |number| {
        format!(
            r#"{{"amount":5000,"currency":"USD","payment_method":"card","description":"{number}","card":{{"number":"4242424242424242","exp_month":12,"exp_year":2030,"cvc":"123"}}}}"#
        )
    },
};

/// A customer with an address of its own.
pub const CUSTOMER: Object = Object {
    path: "/v1/customers",
    body: |number| format!(r#"{{"email":"{number}@example.com","name":"Ada Lovelace"}}"#),
};

/// What a block of load did.
pub struct Done {
    /// Answered with 200, each second.
    pub per_second: f64,
}

/// A generator of load for one gateway.
pub struct Load {
    address: std::net::SocketAddr,
    key: String,
    numbers: Arc<AtomicU64>,
}

impl Load {
    pub fn new(gateway: &Gateway) -> Self {
        Self {
            address: gateway.address(Process::Api),
            key: gateway.merchant.test_key.to_string(),
            numbers: Arc::default(),
        }
    }

    /// As many objects of this kind as `clients` connections carry, one after the other on each.
    pub async fn closed(&self, clients: usize, block: Duration, object: Object) -> Result<Done> {
        let numbers = Arc::clone(&self.numbers);
        let request = move |key: &str| {
            let body = (object.body)(numbers.fetch_add(1, Ordering::Relaxed));
            post(key, object.path, &body)
        };
        self.repeated(clients, block, request).await
    }

    /// The same page again and again, on `clients` connections.
    pub async fn page(&self, clients: usize, block: Duration, path: &str) -> Result<Done> {
        let path = path.to_owned();
        let request = move |key: &str| get(key, &path);
        self.repeated(clients, block, request).await
    }

    async fn repeated(
        &self,
        clients: usize,
        block: Duration,
        request: impl Fn(&str) -> String + Clone + Send + 'static,
    ) -> Result<Done> {
        let (started, mut tasks) = (Instant::now(), JoinSet::new());
        let end = started + block;
        for _ in 0..clients {
            let mut connection = self.connection().open().await?;
            let request = request.clone();
            tasks.spawn(async move {
                let mut answered = 0_u64;
                while Instant::now() < end {
                    let request = request(&connection.key);
                    connection.exchange(&request).await?;
                    answered += 1;
                }
                anyhow::Ok(answered)
            });
        }
        let mut answered = 0;
        while let Some(task) = tasks.join_next().await {
            answered += task??;
        }
        Ok(Done {
            per_second: answered as f64 / started.elapsed().as_secs_f64(),
        })
    }

    /// `rate` requests a second, each at its time whatever became of those before. Returns how many.
    pub async fn open(&self, rate: u32, block: Duration, sink: &Sink) -> Result<u64> {
        let (idle, mut tasks) = (
            Arc::new(tokio::sync::Mutex::new(Vec::new())),
            JoinSet::new(),
        );
        let mut times = schedule(rate, block);
        let mut count = 0;
        while let Some(meant) = times.recv().await {
            count += 1;
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            sink.meant(number, meant);
            let (idle, connect) = (Arc::clone(&idle), self.connection());
            tasks.spawn(async move {
                let free = idle.lock().await.pop();
                let mut connection = match free {
                    Some(connection) => connection,
                    None => connect.open().await?,
                };
                let request = post(&connection.key, WITH_CARD.path, &(WITH_CARD.body)(number));
                connection.exchange(&request).await?;
                idle.lock().await.push(connection);
                anyhow::Ok(())
            });
        }
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        Ok(count)
    }

    fn connection(&self) -> Target {
        Target {
            address: self.address,
            key: self.key.clone(),
        }
    }
}

/// The moments at which something is meant to happen, each sent when it comes. By a thread of its own:
/// the runtime's timers are up to a millisecond late.
pub fn schedule(rate: u32, block: Duration) -> mpsc::UnboundedReceiver<Instant> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (started, interval) = (Instant::now(), Duration::from_secs(1) / rate);
    let count = u128::from(rate) * block.as_millis() / 1_000;
    std::thread::spawn(move || {
        for index in 0..u32::try_from(count).unwrap_or(u32::MAX) {
            let meant = started + interval * index;
            std::thread::sleep(meant.saturating_duration_since(Instant::now()));
            if sender.send(meant).is_err() {
                break;
            }
        }
    });
    receiver
}

fn post(key: &str, path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: sluice\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn get(key: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: sluice\r\nauthorization: Bearer {key}\r\n\r\n")
}

struct Target {
    address: std::net::SocketAddr,
    key: String,
}

impl Target {
    async fn open(self) -> Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            key: self.key,
            buffer: Vec::with_capacity(4_096),
        })
    }
}

struct Connection {
    stream: TcpStream,
    key: String,
    buffer: Vec<u8>,
}

impl Connection {
    /// Sends a request and reads its whole answer, which must be 200.
    async fn exchange(&mut self, request: &str) -> Result<()> {
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        loop {
            ensure!(
                self.stream.read_buf(&mut self.buffer).await? > 0,
                "the connection was closed"
            );
            if let Some(is_ok) = whole_answer(&self.buffer)? {
                if is_ok {
                    return Ok(());
                }
                bail!("{}", String::from_utf8_lossy(&self.buffer));
            }
        }
    }
}

/// Whether the buffer holds a whole answer, and if so whether it is 200.
fn whole_answer(buffer: &[u8]) -> Result<Option<bool>> {
    let Some(head) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(buffer.get(..head).unwrap_or_default())?;
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .context("an answer without content-length")?;
    let is_whole = buffer.len() >= head + 4 + length.trim().parse::<usize>()?;
    Ok(is_whole.then(|| text.starts_with("HTTP/1.1 200 ")))
}
