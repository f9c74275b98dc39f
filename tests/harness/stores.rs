//! Postgres and RabbitMQ: those of the whole test run, or private ones, which a test may kill and
//! wipe.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method, Url};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use store::Role;
use store::migrations::{self, MIGRATIONS};

use crate::wait::until;

/// How long a migration waits for its locks.
const PATIENCE: Duration = Duration::from_secs(30);

/// One of the stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Store {
    Postgres,
    Rabbitmq,
}

impl Store {
    const fn name(self) -> &'static str {
        match self {
            Store::Postgres => "postgres",
            Store::Rabbitmq => "rabbitmq",
        }
    }
}

/// A Postgres and a RabbitMQ, as `deploy/local/stores.sh` runs them.
#[derive(Debug)]
pub struct Stores {
    dir: PathBuf,
    postgres: Url,
    amqp: Url,
    management: Url,
}

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Stores {
    /// The stores that `make test` has started.
    pub fn shared() -> Result<Self> {
        let dir = std::env::var("SLUICE_TEST_STORES")
            .context("SLUICE_TEST_STORES is not set: run the tests with `make test`")?;
        Self::open(PathBuf::from(dir))
    }

    /// Private stores in `dir`.
    pub(crate) async fn own(dir: PathBuf) -> Result<Self> {
        stores_sh("start", &dir).await?;
        Self::open(dir)
    }

    fn open(dir: PathBuf) -> Result<Self> {
        let env = dir.join("stores.env");
        let text =
            fs::read_to_string(&env).with_context(|| format!("reading {}", env.display()))?;
        let url = |name: &str| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            let line = line.with_context(|| format!("{name} is not in {}", env.display()))?;
            Ok::<_, anyhow::Error>(Url::parse(line)?)
        };
        Ok(Self {
            postgres: url("DATABASE_URL")?,
            amqp: url("AMQP_URL")?,
            management: url("SLUICE_RABBITMQ_MANAGEMENT_URL")?,
            dir,
        })
    }

    /// Where all their files are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Shuts a store down. Only for private stores.
    pub async fn stop(&self, store: Store) -> Result<()> {
        stores_sh(&format!("stop-{}", store.name()), &self.dir).await
    }

    /// Kills a store with SIGKILL. Only for private stores.
    pub async fn kill(&self, store: Store) -> Result<()> {
        let file = self.dir.join(format!("run/{}.pid", store.name()));
        let pid = fs::read_to_string(&file)?.trim().to_owned();
        crate::process::signal("KILL", &pid).await?;
        let gone = Path::new("/proc").join(&pid);
        until(
            "a killed store is gone",
            Duration::from_secs(10),
            async || Ok((!gone.exists()).then_some(())),
        )
        .await
    }

    /// Starts a store again: same port, same data, same passwords.
    pub async fn start(&self, store: Store) -> Result<()> {
        stores_sh(&format!("start-{}", store.name()), &self.dir).await
    }

    /// Wipes the disk of a broker that is down.
    pub fn wipe_broker(&self) -> io::Result<()> {
        fs::remove_dir_all(self.dir.join("rabbitmq/data"))
    }

    /// Stops and deletes private stores.
    pub(crate) async fn remove(&self) -> Result<()> {
        stores_sh("kill", &self.dir).await?;
        stores_sh("remove", &self.dir).await
    }

    /// The URL of a database, with the login of the tables' owner.
    pub fn database_url(&self, name: &str) -> Url {
        let mut url = self.postgres.clone();
        url.set_path(name);
        url
    }

    pub(crate) fn amqp_url(&self, name: &str) -> Url {
        let mut url = self.amqp.clone();
        url.set_path(name);
        url
    }

    /// How a role logs in to a database.
    pub(crate) fn role_url(&self, name: &str, role: Role) -> Result<Url> {
        let mut url = self.database_url(name);
        let password = store::password(&self.passwords(), role)?;
        let is_set =
            url.set_username(role.name()).is_ok() && url.set_password(Some(&password)).is_ok();
        ensure!(is_set, "the database's URL takes no login");
        Ok(url)
    }

    fn passwords(&self) -> PathBuf {
        self.dir.join("secrets/roles")
    }

    /// Creates an empty database with the current schema: a copy of a template that was migrated once.
    pub async fn make_database(&self, name: &str) -> Result<()> {
        let mut admin = PgConnection::connect(self.postgres.as_str()).await?;
        let template = format!("sluice_template_{:016x}", schema_hash());
        let make = format!(r#"create database "{name}" template "{template}""#);
        admin.execute("select pg_advisory_lock(7)").await?;
        let query = sqlx::query_scalar("select exists(select from pg_database where datname = $1)");
        let is_there: bool = query.bind(&template).fetch_one(&mut admin).await?;
        if !is_there {
            self.make_template(&mut admin, &template).await?;
        }
        admin.execute("select pg_advisory_unlock(7)").await?;
        admin.execute(AssertSqlSafe(make)).await?;
        admin.close().await?;
        Ok(())
    }

    async fn make_template(&self, admin: &mut PgConnection, name: &str) -> Result<()> {
        let raw = "sluice_template_raw";
        let drop = format!("drop database if exists {raw}");
        admin.execute(AssertSqlSafe(drop)).await?;
        admin
            .execute(AssertSqlSafe(format!("create database {raw}")))
            .await?;
        let db = store::connect_owner(self.database_url(raw).as_str())?;
        migrations::apply(&db, &MIGRATIONS, PATIENCE, |_| {}).await?;
        fs::create_dir_all(self.passwords())?;
        for role in Role::ALL {
            let file = self.passwords().join(format!("{}.password", role.name()));
            if !file.exists() {
                fs::write(file, format!("{:032x}", rand::random::<u128>()))?;
            }
        }
        store::allow_logins(&db, &self.passwords()).await?;
        db.close().await;
        let rename = format!(r#"alter database {raw} rename to "{name}""#);
        admin.execute(AssertSqlSafe(rename)).await?;
        Ok(())
    }

    /// Deletes a database, whoever uses it.
    pub async fn drop_database(&self, name: &str) -> Result<()> {
        let mut admin = PgConnection::connect(self.postgres.as_str()).await?;
        let drop = format!(r#"drop database if exists "{name}" with (force)"#);
        admin.execute(AssertSqlSafe(drop)).await?;
        Ok(())
    }

    /// Creates a virtual host if it does not exist.
    pub async fn make_vhost(&self, name: &str) -> Result<()> {
        self.manage(Method::PUT, &format!("/api/vhosts/{name}"))
            .await?;
        let user = self.management.username();
        self.manage(Method::PUT, &format!("/api/permissions/{name}/{user}"))
            .await
    }

    pub(crate) async fn drop_vhost(&self, name: &str) -> Result<()> {
        self.manage(Method::DELETE, &format!("/api/vhosts/{name}"))
            .await
    }

    async fn manage(&self, method: Method, path: &str) -> Result<()> {
        let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
        let request = Client::new().request(method, self.management.join(path)?);
        let answer = request.json(&all).send().await?;
        let status = answer.status();
        ensure!(
            status.is_success(),
            "{path}: {status} {}",
            answer.text().await?
        );
        Ok(())
    }
}

/// A hash of the migrations: each schema has its own template.
fn schema_hash() -> u64 {
    let mut hasher = DefaultHasher::new();
    for migration in MIGRATIONS.iter() {
        migration.checksum.hash(&mut hasher);
    }
    hasher.finish()
}

/// Runs `deploy/local/stores.sh`, which documents its commands.
pub async fn stores_sh(command: &str, dir: &Path) -> Result<()> {
    let script = root().join("deploy/local/stores.sh");
    let mut script = tokio::process::Command::new(script);
    let done = script.arg(command).arg(dir).output().await?;
    let errors = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "stores.sh {command}: {errors}");
    Ok(())
}
