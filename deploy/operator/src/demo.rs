//! `sluice demo`: the documentation's own example against this gateway, and the webhook it sends.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use wire::signature;

/// The body of "Create Payment" in the payment gateway API's documentation.
const EXAMPLE: &str = r#"{
  "amount": 5000,
  "currency": "USD",
  "payment_method": "card",
  "customer": {
    "email": "customer@example.com",
    "name": "John Doe"
  },
  "card": {
    "number": "4242424242424242",
    "exp_month": 12,
    "exp_year": 2025,
    "cvc": "123"
  },
  "description": "Order #12345"
}"#;

/// How long the webhook may take; it takes milliseconds.
const WEBHOOK: Duration = Duration::from_secs(15);

#[derive(Debug, Args)]
pub struct Demo {
    /// The gateway.
    #[arg(long, env = "SLUICE_URL")]
    url: String,
    /// A merchant's test key.
    #[arg(long, env = "SLUICE_TEST_KEY", hide_env_values = true)]
    test_key: String,
    /// The sandbox; it has a receiver for webhooks.
    #[arg(long, env = "SLUICE_SANDBOX_URL")]
    sandbox_url: String,
    /// Remembers the endpoint, so that a second demonstration does not register a second one.
    #[arg(
        long,
        env = "SLUICE_DEMO_FILE",
        default_value = ".local/secrets/demo.json"
    )]
    file: PathBuf,
}

/// The endpoint of an earlier demonstration.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Endpoint {
    test_key: String,
    url: String,
    secret: String,
}

/// What the sandbox's receiver kept.
#[derive(Deserialize)]
struct Arrived {
    headers: std::collections::BTreeMap<String, String>,
    body: String,
}

pub async fn run(demo: &Demo) -> anyhow::Result<()> {
    let client = Client::builder()
        .timeout(Duration::from_secs(20))
        .no_proxy()
        .build()?;
    let endpoint = demo.endpoint(&client).await?;
    println!("POST {}/v1/payments\n{EXAMPLE}\n", demo.url);
    let begun = Instant::now();
    let answer = demo
        .post(&client, "/v1/payments", EXAMPLE.to_owned())
        .await?;
    let payment: Value = serde_json::from_str(&answer)?;
    println!("answered in {} ms\n{answer}\n", begun.elapsed().as_millis());
    let id = payment
        .get("id")
        .and_then(Value::as_str)
        .context("the answer has no id")?;
    let arrived = demo.webhook(&client, id).await?;
    show(&arrived, &endpoint)
}

impl Demo {
    fn receiver(&self) -> String {
        format!("{}/receivers/demo", self.sandbox_url)
    }

    async fn endpoint(&self, client: &Client) -> anyhow::Result<Endpoint> {
        let known = std::fs::read(&self.file).ok();
        let known = known.and_then(|text| serde_json::from_slice::<Endpoint>(&text).ok());
        if let Some(known) = known
            && known.test_key == self.test_key
            && known.url == self.receiver()
        {
            return Ok(known);
        }
        let asked = serde_json::json!({
            "url": self.receiver(), "events": ["payment.succeeded", "payment.failed"],
        });
        let answer = self.post(client, "/v1/webhooks", asked.to_string()).await?;
        let answer: Value = serde_json::from_str(&answer)?;
        let secret = answer.get("secret").and_then(Value::as_str);
        let endpoint = Endpoint {
            test_key: self.test_key.clone(),
            url: self.receiver(),
            secret: secret
                .context("the endpoint's answer has no secret")?
                .to_owned(),
        };
        std::fs::write(&self.file, serde_json::to_vec(&endpoint)?)
            .with_context(|| format!("writing {}", self.file.display()))?;
        Ok(endpoint)
    }

    async fn post(&self, client: &Client, path: &str, body: String) -> anyhow::Result<String> {
        let request = client
            .post(format!("{}{path}", self.url))
            .bearer_auth(&self.test_key)
            .header("content-type", "application/json")
            .body(body);
        let answer = request
            .send()
            .await
            .with_context(|| format!("calling {}", self.url))?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path} answered {status}: {text}");
        Ok(text)
    }

    async fn webhook(&self, client: &Client, payment: &str) -> anyhow::Result<Arrived> {
        let limit = Instant::now() + WEBHOOK;
        while Instant::now() < limit {
            let kept: Vec<Arrived> = client.get(self.receiver()).send().await?.json().await?;
            if let Some(arrived) = kept.into_iter().find(|one| one.body.contains(payment)) {
                return Ok(arrived);
            }
            sleep(Duration::from_millis(20)).await;
        }
        bail!("no webhook came within {} s", WEBHOOK.as_secs())
    }
}

fn show(arrived: &Arrived, endpoint: &Endpoint) -> anyhow::Result<()> {
    println!("webhook received at {}\n{}\n", endpoint.url, arrived.body);
    for name in [
        "x-webhook-signature",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ] {
        println!("  {name}: {}", header(arrived, name));
    }
    let expected = signature::plain(&endpoint.secret, &arrived.body);
    ensure!(
        header(arrived, "x-webhook-signature") == expected,
        "the webhook's signature does not fit the endpoint's secret"
    );
    println!("\nsignature verified with the endpoint's secret");
    Ok(())
}

fn header<'a>(arrived: &'a Arrived, name: &str) -> &'a str {
    arrived.headers.get(name).map_or("", String::as_str)
}
