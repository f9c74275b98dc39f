//! Runs of the operator's command, `sluice`.

use anyhow::{Context, Result, ensure};
use reqwest::Url;
use store::Role;

use crate::gateway::Gateway;
use crate::process::{Process, binary};

/// What a run of `sluice` returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

impl Gateway {
    /// Runs `sluice`, which must succeed, and returns its output.
    pub async fn operate(&self, arguments: &[&str]) -> Result<String> {
        let ran = self.sluice(arguments).await?;
        ensure!(ran.code == Some(0), "sluice {arguments:?}: {ran:#?}");
        Ok(ran.output)
    }

    /// Runs `sluice` with the login of `sluice_operator`.
    pub async fn sluice(&self, arguments: &[&str]) -> Result<Ran> {
        let url = self.role_url(Role::Operator)?;
        self.sluice_as(&url, arguments).await
    }

    /// Runs `sluice` with this database URL.
    pub async fn sluice_as(&self, database_url: &str, arguments: &[&str]) -> Result<Ran> {
        let command = binary("sluice")?;
        self.run_operator(&command.display().to_string(), database_url, arguments)
            .await
    }

    /// Runs a shell script in which `$SLUICE` is the command.
    pub async fn sluice_script(&self, script: &str) -> Result<Ran> {
        let url = self.role_url(Role::Operator)?;
        self.run_operator("bash", &url, &["-c", script]).await
    }

    async fn run_operator(&self, program: &str, url: &str, arguments: &[&str]) -> Result<Ran> {
        let mut command = tokio::process::Command::new(program);
        let command = command
            .args(arguments)
            .current_dir(&self.dir)
            .env("SLUICE", binary("sluice")?)
            .env("DATABASE_URL", url)
            .env("AMQP_URL", self.amqp_url())
            .env("SLUICE_URL", self.url(Process::Api))
            .env("SLUICE_SANDBOX_URL", self.url(Process::Sandbox))
            .env("SLUICE_WEBHOOK_KEY_FILE", self.dir.join("webhook.key"));
        let done = command.output().await.context("running sluice")?;
        Ok(Ran {
            code: done.status.code(),
            output: String::from_utf8_lossy(&done.stdout).into_owned(),
            errors: String::from_utf8_lossy(&done.stderr).into_owned(),
        })
    }

    /// The database's URL with another login.
    pub fn url_of_login(&self, login: &str, password: &str) -> Result<String> {
        let mut url = Url::parse(&self.database_url())?;
        let is_set = url.set_username(login).is_ok() && url.set_password(Some(password)).is_ok();
        ensure!(is_set, "the database's URL takes no login");
        Ok(url.into())
    }
}
