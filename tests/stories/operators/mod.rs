//! What operators do with `sluice`, over a running gateway.

mod approvals;
mod credentials;
mod failures;
mod jobs;
mod status;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::{Gateway, Options, Ran, run_cases};

use self::approvals::{
    enabling_takes_two_logins, logins_are_added_and_removed, what_operators_do_is_recorded,
};
use self::credentials::{
    a_client_secret_is_rolled_with_an_overlap, a_disabled_merchant_is_refused_in_every_format,
    a_key_is_rolled_with_an_overlap, merchants_are_listed_and_shown,
    the_version_before_refuses_a_disabled_merchant, work_in_flight_completes,
};
use self::failures::{a_closed_pipe_is_no_failure, failures_say_what_to_do};
use self::jobs::parked_jobs_are_listed_and_redriven;
use self::status::{endpoints_that_fail_are_shown, what_needs_a_person_is_said};

#[tokio::test]
async fn cases() -> Result<()> {
    let options = Options {
        wait_ms: 300,
        ..Options::default()
    };
    run_cases!(Gateway::with(options).await?;
        merchants_are_listed_and_shown,
        a_disabled_merchant_is_refused_in_every_format,
        work_in_flight_completes,
        the_version_before_refuses_a_disabled_merchant,
        a_key_is_rolled_with_an_overlap,
        a_client_secret_is_rolled_with_an_overlap,
        logins_are_added_and_removed,
        enabling_takes_two_logins,
        what_operators_do_is_recorded,
        parked_jobs_are_listed_and_redriven,
        what_needs_a_person_is_said,
        endpoints_that_fail_are_shown,
        failures_say_what_to_do,
        a_closed_pipe_is_no_failure,
    )
}

/// A run's JSON output.
fn json(ran: &Ran) -> Result<Value> {
    serde_json::from_str(&ran.output).with_context(|| format!("{ran:#?}"))
}

/// Runs a command that must succeed and print JSON.
async fn read(gateway: &Gateway, arguments: &[&str]) -> Result<Value> {
    let ran = gateway.sluice(arguments).await?;
    ensure!(ran.code == Some(0), "{arguments:?}: {ran:#?}");
    json(&ran)
}

/// The rest of the line that starts with this word.
fn value(output: &str, name: &str) -> Result<String> {
    let lines = output.lines();
    let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = values
        .next()
        .with_context(|| format!("no {name}: {output}"))?;
    Ok(value.trim().to_owned())
}

/// An operator with a login of their own.
struct Login {
    name: String,
    url: String,
}

impl Login {
    /// Adds an operator. Logins belong to the cluster, so each gateway names its own.
    async fn add(gateway: &Gateway, person: &str) -> Result<Self> {
        let name = format!("{person}_{}", gateway.name());
        let owner = gateway.database_url();
        let ran = gateway
            .sluice_as(&owner, &["operator", "add", &name])
            .await?;
        ensure!(ran.code == Some(0), "{ran:#?}");
        let url = gateway.url_of_login(&name, &value(&ran.output, "password")?)?;
        Ok(Self { name, url })
    }

    async fn run(&self, gateway: &Gateway, arguments: &[&str]) -> Result<Ran> {
        gateway.sluice_as(&self.url, arguments).await
    }

    async fn remove(self, gateway: &Gateway) -> Result<()> {
        let owner = gateway.database_url();
        let arguments = ["operator", "remove", &self.name];
        let ran = gateway.sluice_as(&owner, &arguments).await?;
        ensure!(ran.code == Some(0), "{ran:#?}");
        Ok(())
    }
}
