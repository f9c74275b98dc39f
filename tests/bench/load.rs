//! Load over plain HTTP/1.1, with as little of the machine as possible: what the generator takes is
//! missing to what is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tests::{Gateway, Process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::sink::Sink;

/// A payment that waits for nobody.
pub fn without_card(number: u64) -> String {
    format!(
        r#"{{"amount":5000,"currency":"USD","payment_method":"card","description":"{number}"}}"#
    )
}

/// A payment that goes all the way. Its description numbers it, so that its webhook is known.
pub fn with_card(number: u64) -> String {
    format!(
        r#"{{"amount":5000,"currency":"USD","payment_method":"card","description":"{number}","card":{{"number":"4242424242424242","exp_month":12,"exp_year":2030,"cvc":"123"}}}}"#
    )
}

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

    /// As many requests as `clients` connections carry, one after the other on each.
    pub async fn closed(
        &self,
        clients: usize,
        block: Duration,
        body: fn(u64) -> String,
    ) -> Result<Done> {
        let (begun, mut tasks) = (Instant::now(), JoinSet::new());
        let end = begun + block;
        for _ in 0..clients {
            let mut connection = self.connect().await?;
            let numbers = Arc::clone(&self.numbers);
            tasks.spawn(async move {
                let mut answered = 0_u64;
                while Instant::now() < end {
                    connection
                        .post(&body(numbers.fetch_add(1, Ordering::Relaxed)))
                        .await?;
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
            per_second: answered as f64 / begun.elapsed().as_secs_f64(),
        })
    }

    /// `rate` requests a second, each at its time whatever became of those before. Returns how many.
    pub async fn open(&self, rate: u32, block: Duration, sink: &Sink) -> Result<u64> {
        let count = u64::from(rate) * block.as_secs();
        let (begun, interval) = (Instant::now(), Duration::from_secs(1) / rate);
        let (idle, mut tasks) = (
            Arc::new(tokio::sync::Mutex::new(Vec::new())),
            JoinSet::new(),
        );
        for index in 0..count {
            let meant = begun + interval * u32::try_from(index)?;
            sleep_until(meant).await;
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            sink.meant(number, meant);
            let (idle, connect) = (Arc::clone(&idle), self.connection());
            tasks.spawn(async move {
                let free = idle.lock().await.pop();
                let mut connection = match free {
                    Some(connection) => connection,
                    None => connect.open().await?,
                };
                connection.post(&with_card(number)).await?;
                idle.lock().await.push(connection);
                anyhow::Ok(())
            });
        }
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        Ok(count)
    }

    async fn connect(&self) -> Result<Connection> {
        self.connection().open().await
    }

    fn connection(&self) -> Door {
        Door {
            address: self.address,
            key: self.key.clone(),
        }
    }
}

struct Door {
    address: std::net::SocketAddr,
    key: String,
}

impl Door {
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
    /// Posts a payment and reads its whole answer, which must be 200.
    async fn post(&mut self, body: &str) -> Result<()> {
        let request = format!(
            "POST /v1/payments HTTP/1.1\r\nhost: sluice\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        );
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
