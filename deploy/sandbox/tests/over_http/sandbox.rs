//! A running sandbox at ten times its normal speed; killed when dropped.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

pub(crate) struct Sandbox {
    child: Child,
    stderr: BufReader<ChildStderr>,
    url: String,
    client: Client,
    pub(crate) log: PathBuf,
}

impl Sandbox {
    /// Starts with an empty log, named after the test.
    pub(crate) fn start(test: &str) -> Result<Self> {
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.log"));
        if log.exists() {
            std::fs::remove_file(&log)?;
        }
        Self::start_on(log)
    }

    pub(crate) fn start_on(log: PathBuf) -> Result<Self> {
        Self::start_with(log, &[])
    }

    pub(crate) fn start_with(log: PathBuf, arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sluice-sandbox"))
            .args(["--listen", "127.0.0.1:0", "--pace-percent", "10", "--log"])
            .arg(&log)
            .args(arguments)
            .env("RUST_LOG", "trace,hyper=trace")
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stderr = BufReader::new(child.stderr.take().context("no stderr")?);
        let url = format!("http://{}", address(&mut stderr)?);
        // Fails if another test in this process has installed it already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(Duration::from_secs(20)).build()?;
        Ok(Self {
            child,
            stderr,
            url,
            client,
            log,
        })
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    pub(crate) fn delete(&self, path: &str) -> RequestBuilder {
        self.client.delete(format!("{}{path}", self.url))
    }

    pub(crate) fn authorize(&self, reference: &str, card: &str) -> RequestBuilder {
        self.post("/authorizations").json(&json!({
            "reference": reference, "payment": "pay-1", "amount": "50.00", "currency": "USD",
            "card": { "number": card, "exp_month": 12, "exp_year": 2030, "cvc": "123" },
        }))
    }

    pub(crate) fn capture(&self, reference: &str) -> RequestBuilder {
        let path = format!("/authorizations/{reference}/capture");
        self.post(&path)
            .json(&json!({ "amount": "50.00", "currency": "USD" }))
    }

    pub(crate) async fn void(&self, reference: &str) -> Result<Value> {
        send_json(self.post(&format!("/authorizations/{reference}/void"))).await
    }

    /// The status from an enquiry, or the error code.
    pub(crate) async fn enquire(&self, reference: &str) -> Result<String> {
        let response = send_json(self.get(&format!("/authorizations/{reference}"))).await?;
        let text = response
            .get("status")
            .or(response.get("error"))
            .and_then(Value::as_str);
        Ok(text.context("neither status nor error")?.to_owned())
    }

    /// `kind reference` of every record.
    pub(crate) async fn records(&self) -> Result<Vec<String>> {
        let log = self.get("/log").send().await?.text().await?;
        let records = log.lines().map(serde_json::from_str::<Value>);
        records.map(|record| Ok(short(&record?))).collect()
    }

    pub(crate) fn kill(mut self) -> Result<PathBuf> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(self.log.clone())
    }

    /// Sends SIGTERM; returns the exit status and everything written to stderr.
    pub(crate) fn stop(mut self) -> Result<(ExitStatus, String)> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        let stderr = std::io::read_to_string(&mut self.stderr)?;
        Ok((self.child.wait()?, stderr))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Fails if the process has already exited, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address(stderr: &mut BufReader<ChildStderr>) -> Result<String> {
    for line in stderr.lines() {
        if let Some((_, address)) = line?.split_once("address=") {
            return Ok(address.to_owned());
        }
    }
    anyhow::bail!("the sandbox did not start")
}

fn short(record: &Value) -> String {
    format!("{} {}", field(record, "kind"), field(record, "reference"))
}

/// Sends a request and returns the JSON body, whatever the status.
pub(crate) async fn send_json(request: RequestBuilder) -> Result<Value> {
    Ok(request.send().await?.json().await?)
}

pub(crate) async fn status(request: RequestBuilder) -> Result<StatusCode> {
    Ok(request.send().await?.status())
}

/// A text field of a JSON object; empty if it is missing.
pub(crate) fn field<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}
