//! `sluice demo`: sends the documentation's example payment and shows the webhook that follows.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use wire::signature;

/// The example of "Create Payment" in the documentation of the paygate API.
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

/// A webhook normally takes milliseconds.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Debug, Args)]
pub struct Demo {
    /// URL of the gateway
    #[arg(long, env = "SLUICE_URL")]
    url: String,
    /// Test key of a merchant
    #[arg(long, env = "SLUICE_TEST_KEY", hide_env_values = true)]
    test_key: String,
    /// URL of the sandbox, which receives the webhook
    #[arg(long, env = "SLUICE_SANDBOX_URL")]
    sandbox_url: String,
    /// File that stores the webhook endpoint, so that each run uses the same one
    #[arg(
        long,
        env = "SLUICE_DEMO_FILE",
        default_value = ".local/secrets/demo.json"
    )]
    file: PathBuf,
}

/// The webhook endpoint that an earlier run created.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Endpoint {
    test_key: String,
    url: String,
    secret: String,
}

/// A webhook that the sandbox has received.
#[derive(Deserialize)]
struct Webhook {
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
    let started = Instant::now();
    let response = demo
        .post(&client, "/v1/payments", EXAMPLE.to_owned())
        .await?;
    let payment: Value = serde_json::from_str(&response)?;
    let elapsed_ms = started.elapsed().as_millis();
    println!("response after {elapsed_ms} ms\n{response}\n");
    let id = payment
        .get("id")
        .and_then(Value::as_str)
        .context("the response has no id")?;
    let webhook = demo.webhook(&client, id).await?;
    show(&webhook, &endpoint)
}

impl Demo {
    fn receiver_url(&self) -> String {
        format!("{}/receivers/demo", self.sandbox_url)
    }

    async fn endpoint(&self, client: &Client) -> anyhow::Result<Endpoint> {
        let stored = std::fs::read(&self.file).ok();
        let stored = stored.and_then(|text| serde_json::from_slice::<Endpoint>(&text).ok());
        if let Some(stored) = stored
            && stored.test_key == self.test_key
            && stored.url == self.receiver_url()
        {
            return Ok(stored);
        }
        let body = serde_json::json!({
            "url": self.receiver_url(), "events": ["payment.succeeded", "payment.failed"],
        });
        let response = self.post(client, "/v1/webhooks", body.to_string()).await?;
        let response: Value = serde_json::from_str(&response)?;
        let secret = response.get("secret").and_then(Value::as_str);
        let endpoint = Endpoint {
            test_key: self.test_key.clone(),
            url: self.receiver_url(),
            secret: secret
                .context("the response for the webhook endpoint has no secret")?
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
        let response = request
            .send()
            .await
            .with_context(|| format!("cannot reach {}: is the gateway running?", self.url))?;
        let status = response.status();
        let text = response.text().await?;
        ensure!(status.is_success(), "POST {path}: status {status}: {text}");
        Ok(text)
    }

    /// Waits for the webhook about this payment.
    async fn webhook(&self, client: &Client, payment: &str) -> anyhow::Result<Webhook> {
        let deadline = Instant::now() + WEBHOOK_TIMEOUT;
        while Instant::now() < deadline {
            let response = client.get(self.receiver_url()).send().await;
            let response = response.with_context(|| {
                format!("cannot reach {}: is the sandbox running?", self.sandbox_url)
            })?;
            let received: Vec<Webhook> = response.json().await?;
            let mut webhooks = received.into_iter();
            if let Some(webhook) = webhooks.find(|webhook| webhook.body.contains(payment)) {
                return Ok(webhook);
            }
            sleep(Duration::from_millis(20)).await;
        }
        let seconds = WEBHOOK_TIMEOUT.as_secs();
        bail!("no webhook for payment {payment} within {seconds} s")
    }
}

fn show(webhook: &Webhook, endpoint: &Endpoint) -> anyhow::Result<()> {
    println!("webhook received at {}\n{}\n", endpoint.url, webhook.body);
    for name in [
        "x-webhook-signature",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ] {
        println!("  {name}: {}", header(webhook, name));
    }
    let expected = signature::plain(&endpoint.secret, &webhook.body);
    ensure!(
        header(webhook, "x-webhook-signature") == expected,
        "the webhook's signature is not valid for the endpoint's secret"
    );
    println!("\nsignature verified with the endpoint's secret");
    Ok(())
}

fn header<'a>(webhook: &'a Webhook, name: &str) -> &'a str {
    webhook.headers.get(name).map_or("", String::as_str)
}
