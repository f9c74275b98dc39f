//! One gateway: real processes over a database and virtual host of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, thread};

use anyhow::{Context, Result};
use reqwest::Client;
use store::merchants::{self, Credentials};
use store::{PgPool, Role};
use uuid::Uuid;

use crate::cases::Before;
use crate::options::{Options, new_merchant, settings, write_keys};
use crate::process::{Process, Running, Settings, free_address};
use crate::stores::Stores;

/// A whole gateway of real processes.
pub struct Gateway {
    /// The merchant of [`Gateway::post`] and [`Gateway::get`].
    pub merchant: Credentials,
    /// Another merchant.
    pub other_merchant: Credentials,
    pub(crate) client: Client,
    pub(crate) dir: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) finished: bool,
    pub(crate) before_case: Before,
    name: String,
    stores: Stores,
    options: Options,
    db: PgPool,
    addresses: BTreeMap<Process, SocketAddr>,
    /// Of the API processes: the other processes serve health and metrics where they listen.
    internal: BTreeMap<Process, SocketAddr>,
    overrides: Mutex<Vec<(Process, &'static str, String)>>,
    running: Mutex<Running>,
}

impl Gateway {
    /// Starts the usual gateway and waits until it is ready.
    pub async fn start() -> Result<Self> {
        Self::with(Options::default()).await
    }

    /// Starts a gateway and waits until it is ready.
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
        database.context("creating a database")?;
        vhost.context("creating a virtual host")?;
        let db = store::connect_owner(stores.database_url(&name).as_str())?;
        let [merchant, other_merchant] = new_merchants(&db, &options).await?;
        let mut addresses = BTreeMap::new();
        let mut internal = BTreeMap::new();
        for process in Process::ALL {
            addresses.insert(process, free_address()?);
        }
        for process in [Process::Api, Process::SecondApi] {
            internal.insert(process, free_address()?);
        }
        write_keys(&dir)?;
        let gateway = Self {
            merchant,
            other_merchant,
            client: Client::builder().no_proxy().build()?,
            settings: settings(&options, &dir),
            finished: false,
            stores,
            before_case: Before::default(),
            options,
            db,
            addresses,
            internal,
            overrides: Mutex::default(),
            running: Mutex::default(),
            dir,
            name,
        };
        gateway.launch(&Process::FIRST).await?;
        Ok(gateway)
    }

    /// Replaces both merchants by new ones, who have nothing.
    pub(crate) async fn renew_merchants(&mut self) -> Result<()> {
        [self.merchant, self.other_merchant] = new_merchants(&self.db, &self.options).await?;
        Ok(())
    }

    /// The database.
    pub const fn database(&self) -> &PgPool {
        &self.db
    }

    /// How to connect to the database as the owner of its tables.
    pub fn database_url(&self) -> String {
        self.stores.database_url(&self.name).into()
    }

    /// How a role logs in to the database.
    pub fn role_url(&self, role: Role) -> Result<String> {
        let role = match role {
            // The API takes on this role, the operator's command the other.
            Role::Accept => Role::Api,
            Role::Verify => Role::Operator,
            role => role,
        };
        Ok(self.stores.role_url(&self.name, role)?.into())
    }

    /// The directory of its keys, logs and acquirer's log.
    pub fn directory(&self) -> &Path {
        &self.dir
    }

    /// How to connect to the broker.
    pub fn amqp_url(&self) -> String {
        self.stores.amqp_url(&self.name).into()
    }

    /// The stores; kill them only if they are this gateway's own.
    pub const fn stores(&self) -> &Stores {
        &self.stores
    }

    /// The name of its database and its virtual host.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The installation's key for webhooks.
    pub fn webhook_key(&self) -> Result<[u8; 32]> {
        let mut key = [0; 32];
        let text = fs::read_to_string(self.dir.join("webhook.key"))?;
        hex::decode_to_slice(text, &mut key)?;
        Ok(key)
    }

    /// Where a process listens.
    pub fn address(&self, process: Process) -> SocketAddr {
        self.addresses
            .get(&process)
            .copied()
            .unwrap_or_else(|| ([127, 0, 0, 1], 0).into())
    }

    /// Where a process serves its health and metrics.
    pub fn internal_address(&self, process: Process) -> SocketAddr {
        let internal = self.internal.get(&process).copied();
        internal.unwrap_or_else(|| self.address(process))
    }

    /// The URL of a process.
    pub fn url(&self, process: Process) -> String {
        format!("http://{}", self.address(process))
    }

    /// The log of a process.
    pub fn log(&self, process: Process) -> String {
        let bytes = fs::read(self.dir.join(format!("{}.log", process.name())));
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    }

    pub(crate) fn overrides(&self) -> MutexGuard<'_, Vec<(Process, &'static str, String)>> {
        self.overrides
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn new_merchants(db: &PgPool, options: &Options) -> Result<[Credentials; 2]> {
    Ok([
        merchants::create(db, &new_merchant("Demo shop", options)?).await?,
        merchants::create(db, &new_merchant("Second shop", options)?).await?,
    ])
}

impl Drop for Gateway {
    /// A failing test keeps its logs and prints where they are.
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
                if self.options.own_stores {
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
            eprintln!("the logs of this gateway are in {}", self.dir.display());
        }
    }
}
