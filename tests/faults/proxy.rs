//! A connection between two processes that can be held, muted and cut, so that a test stops them at an
//! exact moment without support in the product.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::Url;
use tests::until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// What happens to bytes of one direction.
#[derive(Debug, Clone, Copy)]
pub enum Gate {
    /// They pass.
    Pass,
    /// Bytes with one of these texts wait, and whatever follows on their connection.
    Hold(&'static [&'static str]),
    /// They are read and discarded.
    Mute,
    /// Bytes with one of these texts are replaced; if the replacement is empty, the connection is
    /// reset. That happens once, then all passes.
    Replace(&'static [&'static str], &'static [u8]),
}

impl Gate {
    fn holds(self, bytes: &[u8]) -> bool {
        matches!(self, Gate::Hold(texts) if has_one(bytes, texts))
    }
}

fn has_one(bytes: &[u8], texts: &[&str]) -> bool {
    let has = |text: &&str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    texts.iter().any(has)
}

/// One direction of all connections.
#[derive(Debug)]
pub struct Direction {
    gate: watch::Sender<Gate>,
    holding: AtomicUsize,
}

impl Direction {
    fn new() -> Self {
        Self {
            gate: watch::Sender::new(Gate::Pass),
            holding: AtomicUsize::new(0),
        }
    }

    /// Treats bytes like this from now on, held ones too.
    pub fn set(&self, gate: Gate) {
        self.gate.send_replace(gate);
    }

    /// Whether a replacement is still to come.
    pub fn replaces(&self) -> bool {
        matches!(*self.gate.borrow(), Gate::Replace(..))
    }

    /// Waits until this many connections are held.
    pub async fn holds(&self, count: usize) -> Result<()> {
        let what = format!("{count} connections are held");
        self.wait(&what, |holding| holding == count).await
    }

    /// Waits until at least one connection is held.
    pub async fn holds_any(&self) -> Result<()> {
        self.wait("a connection is held", |holding| holding > 0)
            .await
    }

    async fn wait(&self, what: &str, is_reached: impl Fn(usize) -> bool) -> Result<()> {
        until(what, Duration::from_secs(30), async || {
            Ok(is_reached(self.holding.load(Ordering::SeqCst)).then_some(()))
        })
        .await
    }

    /// What replaces these bytes, if anything.
    fn replacement(&self, bytes: &[u8]) -> Option<&'static [u8]> {
        let mut replacement = None;
        self.gate.send_if_modified(|gate| {
            let Gate::Replace(texts, instead) = *gate else {
                return false;
            };
            if has_one(bytes, texts) {
                replacement = Some(instead);
                *gate = Gate::Pass;
            }
            replacement.is_some()
        });
        replacement
    }

    async fn pump(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> Result<()> {
        let mut gate = self.gate.subscribe();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = from.read(&mut buffer).await?;
            let bytes = buffer.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(());
            }
            let held = gate
                .borrow_and_update()
                .holds(bytes)
                .then(|| Held::new(&self.holding));
            let gate = *gate.wait_for(|gate| !gate.holds(bytes)).await?;
            drop(held);
            let bytes = match self.replacement(bytes) {
                Some([]) => return reset(to),
                Some(instead) => instead,
                None => bytes,
            };
            if !matches!(gate, Gate::Mute) {
                to.write_all(bytes).await?;
            }
        }
    }
}

/// Closes so that the other side's read fails.
fn reset(to: OwnedWriteHalf) -> Result<()> {
    to.as_ref().set_zero_linger()?;
    // Dropped, it would close the connection properly first.
    to.forget();
    bail!("the connection is reset")
}

/// Counts one held connection while it exists.
struct Held<'a>(&'a AtomicUsize);

impl<'a> Held<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A proxy in front of one process or store.
#[derive(Debug, Clone)]
pub struct Proxy {
    url: Url,
    wire: Arc<Wire>,
}

#[derive(Debug)]
struct Wire {
    forth: Direction,
    back: Direction,
    connections: Mutex<Vec<AbortHandle>>,
    is_down: AtomicBool,
}

impl Proxy {
    /// Starts one in front of the host and port of `url`.
    pub async fn before(url: &str) -> Result<Self> {
        let mut url = Url::parse(url)?;
        let target = format!(
            "{}:{}",
            url.host_str().context("no host")?,
            url.port().context("no port")?
        );
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        url.set_port(Some(listener.local_addr()?.port()))
            .ok()
            .context("no port can be set")?;
        let wire = Arc::new(Wire {
            forth: Direction::new(),
            back: Direction::new(),
            connections: Mutex::default(),
            is_down: AtomicBool::new(false),
        });
        tokio::spawn(accept(listener, target, Arc::clone(&wire)));
        Ok(Self { url, wire })
    }

    /// The URL that leads through it.
    pub fn url(&self) -> String {
        self.url.to_string()
    }

    /// From client to server.
    pub fn forth(&self) -> &Direction {
        &self.wire.forth
    }

    /// From server to client.
    pub fn back(&self) -> &Direction {
        &self.wire.back
    }

    /// The server is down: closes all connections, and new ones at once, until it is up.
    pub fn set_down(&self, is_down: bool) {
        self.wire.is_down.store(is_down, Ordering::SeqCst);
        self.cut();
    }

    /// Closes all connections; held bytes are lost. New connections are accepted, and all passes.
    pub fn cut(&self) {
        for connection in self.wire.connections().drain(..) {
            connection.abort();
        }
        self.forth().set(Gate::Pass);
        self.back().set(Gate::Pass);
    }
}

impl Wire {
    fn connections(&self) -> MutexGuard<'_, Vec<AbortHandle>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, target: String, wire: Arc<Wire>) {
    while let Ok((near, _)) = listener.accept().await {
        if wire.is_down.load(Ordering::SeqCst) {
            continue;
        }
        let connection = tokio::spawn(connect(near, target.clone(), Arc::clone(&wire)));
        wire.connections().push(connection.abort_handle());
    }
}

/// Ends when either side does, and closes both.
async fn connect(near: TcpStream, target: String, wire: Arc<Wire>) -> Result<()> {
    let far = TcpStream::connect(target).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    tokio::select! {
        ended = wire.forth.pump(near_read, far_write) => ended,
        ended = wire.back.pump(far_read, near_write) => ended,
    }
}
