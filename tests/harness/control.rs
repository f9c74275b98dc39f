//! Starting, stopping and killing the processes of a gateway.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::gateway::Gateway;
use crate::process::{Process, signal};
use crate::wait::until;

/// How long a process may take to become ready.
const READY: Duration = Duration::from_mins(2);

impl Gateway {
    /// Starts processes and waits until they are ready.
    pub async fn launch(&self, which: &[Process]) -> Result<()> {
        for process in which {
            self.spawn(*process)?;
        }
        for process in which {
            self.wait_ready(*process).await?;
        }
        Ok(())
    }

    /// Starts a process without waiting: its stores may be down.
    pub fn spawn(&self, process: Process) -> Result<()> {
        let mut settings = self.settings.clone();
        let address = self.address(process).to_string();
        let Some(role) = process.role() else {
            settings.insert("SLUICE_SANDBOX_LISTEN".to_owned(), address);
            return self.running().start(process, &settings, &self.dir);
        };
        settings.insert("DATABASE_URL".to_owned(), self.role_url(role)?);
        settings.insert("AMQP_URL".to_owned(), self.amqp_url());
        settings.insert("SLUICE_SANDBOX_URL".to_owned(), self.url(Process::Sandbox));
        settings.insert("SLUICE_LISTEN".to_owned(), address);
        let internal = self.internal_address(process).to_string();
        settings.insert("SLUICE_HEALTH_LISTEN".to_owned(), internal);
        for (_, name, value) in self.overrides().iter().filter(|(to, ..)| *to == process) {
            settings.insert((*name).to_owned(), value.clone());
        }
        self.running().start(process, &settings, &self.dir)
    }

    /// Sets an environment variable of one process, from its next start on.
    pub fn set(&self, process: Process, name: &'static str, value: String) {
        self.overrides().push((process, name, value));
    }

    /// Waits until a process reports that it is ready.
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
    pub fn kill(&self, process: Process) -> Result<()> {
        let mut child = self.running().take(process)?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Ends a process with SIGTERM within 35 s; it must exit successfully.
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
                    "{process:?} did not end on SIGTERM: {ended:?}\n{}",
                    self.log(process)
                )
            }
        }
    }

    /// Pauses a process with SIGSTOP.
    pub async fn stop(&self, process: Process) -> Result<()> {
        let pid = self.running().pid(process)?;
        signal("STOP", &pid).await
    }

    /// Continues a paused process.
    pub async fn cont(&self, process: Process) -> Result<()> {
        let pid = self.running().pid(process)?;
        signal("CONT", &pid).await
    }

    /// The id of a running process.
    pub fn pid(&self, process: Process) -> Result<String> {
        self.running().pid(process)
    }
}
