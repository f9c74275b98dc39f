//! The processes of one gateway, each a child of the test, known by its handle.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use store::Role;

/// A process. The second ones start only when a test starts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Process {
    Sandbox,
    Scheduler,
    Card,
    Refund,
    Webhook,
    Api,
    SecondScheduler,
    SecondCard,
    SecondRefund,
    SecondWebhook,
    SecondApi,
}

impl Process {
    /// Every process.
    pub const ALL: [Process; 11] = [
        Process::Sandbox,
        Process::Scheduler,
        Process::Card,
        Process::Refund,
        Process::Webhook,
        Process::Api,
        Process::SecondScheduler,
        Process::SecondCard,
        Process::SecondRefund,
        Process::SecondWebhook,
        Process::SecondApi,
    ];

    /// Those that every gateway starts.
    pub const FIRST: [Process; 6] = [
        Process::Sandbox,
        Process::Scheduler,
        Process::Card,
        Process::Refund,
        Process::Webhook,
        Process::Api,
    ];

    /// The name of its log.
    pub const fn name(self) -> &'static str {
        match self {
            Process::Sandbox => "sandbox",
            Process::Scheduler => "scheduler",
            Process::Card => "card",
            Process::Refund => "refund",
            Process::Webhook => "webhook",
            Process::Api => "api",
            Process::SecondScheduler => "second-scheduler",
            Process::SecondCard => "second-card",
            Process::SecondRefund => "second-refund",
            Process::SecondWebhook => "second-webhook",
            Process::SecondApi => "second-api",
        }
    }

    /// The database role that it logs in as; the sandbox uses no database.
    pub(crate) const fn role(self) -> Option<Role> {
        match self {
            Process::Sandbox => None,
            Process::Scheduler | Process::SecondScheduler => Some(Role::Scheduler),
            Process::Card | Process::SecondCard => Some(Role::Card),
            Process::Refund | Process::SecondRefund => Some(Role::Refund),
            Process::Webhook | Process::SecondWebhook => Some(Role::Webhook),
            Process::Api | Process::SecondApi => Some(Role::Api),
        }
    }

    /// The binary and its arguments.
    const fn program(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Process::Sandbox => ("sluice-sandbox", &[]),
            Process::Scheduler | Process::SecondScheduler => ("workers", &["scheduler"]),
            Process::Card | Process::SecondCard => ("workers", &["card"]),
            Process::Refund | Process::SecondRefund => ("workers", &["refund"]),
            Process::Webhook | Process::SecondWebhook => ("workers", &["webhook"]),
            Process::Api | Process::SecondApi => ("api", &[]),
        }
    }
}

/// The environment of a process.
pub(crate) type Settings = HashMap<String, String>;

/// The running processes.
#[derive(Debug, Default)]
pub(crate) struct Running(HashMap<Process, Child>);

impl Running {
    /// Starts a process; its log is appended to.
    pub(crate) fn start(&mut self, which: Process, settings: &Settings, logs: &Path) -> Result<()> {
        ensure!(!self.0.contains_key(&which), "{which:?} is already running");
        let (program, arguments) = which.program();
        let log = logs.join(format!("{}.log", which.name()));
        let log = File::options().create(true).append(true).open(log)?;
        let child = Command::new(binary(program)?)
            .args(arguments)
            .env_clear()
            .envs(settings)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {program}"))?;
        self.0.insert(which, child);
        Ok(())
    }

    /// The id of a running process.
    pub(crate) fn pid(&self, which: Process) -> Result<String> {
        let child = self.0.get(&which);
        Ok(child
            .with_context(|| format!("{which:?} is not running"))?
            .id()
            .to_string())
    }

    /// Forgets a process that the test is about to end.
    pub(crate) fn take(&mut self, which: Process) -> Result<Child> {
        self.0
            .remove(&which)
            .with_context(|| format!("{which:?} is not running"))
    }

    /// Fails if a process has ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        for (which, child) in &mut self.0 {
            if let Some(status) = child.try_wait()? {
                bail!("{which:?} has ended unexpectedly: {status}");
            }
        }
        Ok(())
    }

    pub(crate) fn kill_all(&mut self) {
        for (_, mut child) in self.0.drain() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Where `make test` built a binary.
pub fn binary(name: &str) -> Result<PathBuf> {
    let binaries = std::env::var("SLUICE_TEST_BINARIES")
        .context("SLUICE_TEST_BINARIES is not set: run the tests with `make test`")?;
    Ok(Path::new(&binaries).join(name))
}

/// Sends a signal to one of our processes; through a shell, because unsafe code is forbidden.
pub(crate) async fn signal(signal: &str, pid: &str) -> Result<()> {
    let mut kill = tokio::process::Command::new("sh");
    let kill = kill.args(["-c", r#"kill -s "$0" "$1""#, signal, pid]);
    let status = kill.status().await?;
    ensure!(status.success(), "kill -s {signal} {pid}: {status}");
    Ok(())
}

/// Below the kernel's ephemeral ports: a client could take one of those while its process is down.
const PORTS: std::ops::Range<u16> = 10_000..24_000;

/// A free port. Tests run in processes of their own, so a file holds the last port that one took, and
/// ports are reused as late as possible.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let path = std::env::temp_dir().join("sluice-test-port");
    let open = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let mut counter = open.with_context(|| path.display().to_string())?;
    counter.lock()?;
    let mut last = String::new();
    counter.read_to_string(&mut last)?;
    let mut port = last.parse().unwrap_or(PORTS.start);
    for _ in PORTS {
        port = if PORTS.contains(&(port + 1)) {
            port + 1
        } else {
            PORTS.start
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            counter.set_len(0)?;
            counter.rewind()?;
            counter.write_all(port.to_string().as_bytes())?;
            return Ok(address);
        }
    }
    bail!("no free port was found")
}
