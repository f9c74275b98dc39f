//! One gateway: started, spoken to, killed in parts, and taken down.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use reqwest::Client;
use store::PgPool;
use store::merchants::{self, Credentials, New};
use uuid::Uuid;

use crate::process::{Process, Running, Settings, free_address, signal};
use crate::stores::Stores;
use crate::wait::until;

/// How long a process may take to become ready.
const READY: Duration = Duration::from_secs(30);

/// How a gateway differs from the usual one.
#[derive(Debug, Clone)]
pub struct Options {
    /// Requests a minute that each merchant may make.
    pub rate_limit: Option<i32>,
    /// How long the card worker waits for an acquirer's answer.
    pub acquirer_timeout_ms: u64,
    /// How long the API waits for a payment's outcome.
    pub wait_ms: u64,
    /// The sandbox's delays in percent.
    pub pace_percent: u16,
    /// Stores that nobody else uses, so that they may be killed and wiped.
    pub own_stores: bool,
    /// More environment for every process, over what the harness says.
    pub env: Vec<(&'static str, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rate_limit: Some(1_000_000),
            acquirer_timeout_ms: 1_000,
            wait_ms: 8_000,
            pace_percent: 10,
            own_stores: false,
            env: Vec::new(),
        }
    }
}

/// A whole gateway of real processes.
pub struct Gateway {
    /// The merchant that [`Gateway::post`] and [`Gateway::get`] speak for.
    pub merchant: Credentials,
    /// Somebody else.
    pub other_merchant: Credentials,
    pub(crate) client: Client,
    pub(crate) dir: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) finished: bool,
    name: String,
    stores: Stores,
    own_stores: bool,
    db: PgPool,
    addresses: BTreeMap<Process, SocketAddr>,
    running: Mutex<Running>,
}

impl Gateway {
    /// Starts the usual gateway and waits until it is ready.
    ///
    /// # Errors
    /// If a part of it does not start.
    pub async fn start() -> Result<Self> {
        Self::with(Options::default()).await
    }

    /// Starts a gateway and waits until it is ready.
    ///
    /// # Errors
    /// If a part of it does not start.
    pub async fn with(options: Options) -> Result<Self> {
        // Another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let name = format!("t{}", Uuid::now_v7().simple());
        let dir = std::env::temp_dir().join(format!("sluice-{name}"));
        fs::create_dir(&dir)?;
        let stores = if options.own_stores {
            Stores::own(dir.join("stores")).await?
        } else {
            Stores::shared()?
        };
        let (database, vhost) = tokio::join!(stores.make_database(&name), stores.make_vhost(&name));
        database.context("making a database")?;
        vhost.context("making a virtual host")?;
        let db = store::connect(stores.database_url(&name).as_str(), "sluice tests", 4)?;
        let merchant = merchants::create(&db, &new_merchant("Demo shop", &options)).await?;
        let other_merchant = merchants::create(&db, &new_merchant("Second shop", &options)).await?;
        let mut addresses = BTreeMap::new();
        for process in Process::ALL {
            addresses.insert(process, free_address()?);
        }
        write_keys(&dir)?;
        let gateway = Self {
            merchant,
            other_merchant,
            client: Client::builder().no_proxy().build()?,
            settings: settings(&options, &dir),
            finished: false,
            stores,
            own_stores: options.own_stores,
            db,
            addresses,
            running: Mutex::default(),
            dir,
            name,
        };
        gateway.launch(&Process::FIRST).await?;
        Ok(gateway)
    }

    /// The database.
    #[must_use]
    pub const fn database(&self) -> &PgPool {
        &self.db
    }

    /// How to connect to the database.
    #[must_use]
    pub fn database_url(&self) -> String {
        self.stores.database_url(&self.name).into()
    }

    /// How to connect to the broker.
    #[must_use]
    pub fn amqp_url(&self) -> String {
        self.stores.amqp_url(&self.name).into()
    }

    /// The stores; to be killed only if they are this gateway's own.
    #[must_use]
    pub const fn stores(&self) -> &Stores {
        &self.stores
    }

    /// The name of its database and its virtual host.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The installation's key for webhooks.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn webhook_key(&self) -> Result<[u8; 32]> {
        let mut key = [0; 32];
        let text = fs::read_to_string(self.dir.join("webhook.key"))?;
        hex::decode_to_slice(text, &mut key)?;
        Ok(key)
    }

    /// Where a process listens.
    ///
    /// # Panics
    /// Never: every process has an address.
    #[must_use]
    pub fn address(&self, process: Process) -> SocketAddr {
        self.addresses
            .get(&process)
            .copied()
            .unwrap_or_else(|| ([127, 0, 0, 1], 0).into())
    }

    /// Where a process is.
    #[must_use]
    pub fn url(&self, process: Process) -> String {
        format!("http://{}", self.address(process))
    }

    /// What a process has written.
    #[must_use]
    pub fn log(&self, process: Process) -> String {
        let bytes = fs::read(self.dir.join(format!("{}.log", process.name())));
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    }

    /// Starts a process that does not run, and waits until it is ready.
    ///
    /// # Errors
    /// If it does not become ready.
    pub async fn launch(&self, which: &[Process]) -> Result<()> {
        for process in which {
            self.spawn(*process)?;
        }
        for process in which {
            self.wait_ready(*process).await?;
        }
        Ok(())
    }

    /// Starts a process and does not wait: its stores may be down.
    ///
    /// # Errors
    /// If it runs already.
    pub fn spawn(&self, process: Process) -> Result<()> {
        let mut settings = self.settings.clone();
        let address = self.address(process).to_string();
        if process == Process::Sandbox {
            settings.insert("SLUICE_SANDBOX_LISTEN".to_owned(), address);
        } else {
            settings.insert("DATABASE_URL".to_owned(), self.database_url());
            settings.insert("AMQP_URL".to_owned(), self.amqp_url());
            settings.insert("SLUICE_SANDBOX_URL".to_owned(), self.url(Process::Sandbox));
            settings.insert("SLUICE_LISTEN".to_owned(), address.clone());
            settings.insert("SLUICE_HEALTH_LISTEN".to_owned(), address);
        }
        self.running().start(process, &settings, &self.dir)
    }

    /// Waits until a process says that it is ready.
    ///
    /// # Errors
    /// If it ends, or takes too long.
    pub async fn wait_ready(&self, process: Process) -> Result<()> {
        let url = format!("{}/readyz", self.url(process));
        let ready = until("a process is ready", READY, async || {
            self.running().check()?;
            let answer = self.client.get(&url).timeout(READY).send().await;
            Ok(answer.ok().filter(|answer| answer.status().is_success()))
        })
        .await;
        match ready {
            Ok(_) => Ok(()),
            Err(error) => bail!("{process:?}: {error}\n{}", self.log(process)),
        }
    }

    /// Kills a process with SIGKILL.
    ///
    /// # Errors
    /// If it does not run.
    pub fn kill(&self, process: Process) -> Result<()> {
        let mut child = self.running().take(process)?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Asks a process to end with SIGTERM, and waits until it has; it must end well.
    ///
    /// # Errors
    /// If it does not run, takes more than 35 s, or ends badly.
    pub async fn terminate(&self, process: Process) -> Result<()> {
        let mut child = self.running().take(process)?;
        signal("TERM", &child.id().to_string()).await?;
        let limit = Duration::from_secs(35);
        let ended = until("a process has ended", limit, async || Ok(child.try_wait()?)).await;
        match ended {
            Ok(status) if status.success() => Ok(()),
            ended => {
                let _ = child.kill();
                bail!(
                    "{process:?} was asked to end: {ended:?}\n{}",
                    self.log(process)
                )
            }
        }
    }

    /// Stops a process where it stands, with SIGSTOP.
    ///
    /// # Errors
    /// If it does not run.
    pub async fn stop(&self, process: Process) -> Result<()> {
        let pid = self.running().pid(process)?;
        signal("STOP", &pid).await
    }

    /// Lets a stopped process go on.
    ///
    /// # Errors
    /// If it does not run.
    pub async fn cont(&self, process: Process) -> Result<()> {
        let pid = self.running().pid(process)?;
        signal("CONT", &pid).await
    }

    /// The id of a running process.
    ///
    /// # Errors
    /// If it does not run.
    pub fn pid(&self, process: Process) -> Result<String> {
        self.running().pid(process)
    }

    pub(crate) fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_merchant(name: &str, options: &Options) -> New {
    New {
        name: name.to_owned(),
        rate_limit: options.rate_limit,
        fee_basis_points: 290,
    }
}

fn settings(options: &Options, dir: &Path) -> Settings {
    let path = |name: &str| dir.join(name).display().to_string();
    let mut settings = Settings::from(
        [
            ("SLUICE_IDEMPOTENCY_KEY_FILE", path("idempotency.key")),
            ("SLUICE_WEBHOOK_KEY_FILE", path("webhook.key")),
            ("SLUICE_WEBHOOK_LOCAL", "true".to_owned()),
            ("SLUICE_WAIT_MS", options.wait_ms.to_string()),
            ("SLUICE_CARD_KEYS_DIR", path("card")),
            (
                "SLUICE_ACQUIRER_TIMEOUT_MS",
                options.acquirer_timeout_ms.to_string(),
            ),
            ("SLUICE_SANDBOX_LOG", path("acquirer.jsonl")),
            (
                "SLUICE_SANDBOX_PACE_PERCENT",
                options.pace_percent.to_string(),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    for name in ["RUST_LOG", "RUST_BACKTRACE"] {
        settings.extend(std::env::var(name).map(|value| (name.to_owned(), value)));
    }
    let more = options
        .env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    settings.extend(more);
    settings
}

fn write_keys(dir: &Path) -> Result<()> {
    for name in ["idempotency.key", "webhook.key"] {
        let random = [rand::random::<u128>(), rand::random::<u128>()];
        fs::write(
            dir.join(name),
            random.map(|half| format!("{half:032x}")).concat(),
        )?;
    }
    Ok(())
}

impl Drop for Gateway {
    /// A failing test keeps its logs, and says where.
    fn drop(&mut self) {
        self.running().kill_all();
        let (stores, name) = (&self.stores, &self.name);
        // The test's own runtime cannot be waited for in here.
        thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                let Ok(runtime) = runtime else { return };
                if self.own_stores {
                    let _ = runtime.block_on(stores.remove());
                } else {
                    let _ = runtime.block_on(stores.drop_vhost(name));
                    let _ = runtime.block_on(stores.drop_database(name));
                }
            });
        });
        if self.finished {
            let _ = fs::remove_dir_all(&self.dir);
        } else {
            eprintln!(
                "the logs of this gateway are kept in {}",
                self.dir.display()
            );
        }
    }
}
