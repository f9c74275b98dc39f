//! Requests to the gateway, as a merchant's program sends them.

use anyhow::{Context, Result, ensure};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::process::Process;

/// A response of the gateway.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub text: String,
    /// The body, if it is JSON; null otherwise.
    pub body: Value,
}

impl Response {
    /// A header's text; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// A header's number.
    pub fn number(&self, name: &str) -> Result<i64> {
        let text = self.header(name);
        text.parse()
            .with_context(|| format!("{name}: {text:?}: {}", self.text))
    }

    /// A text of the body by its path, `/error/code`; empty if it is missing.
    pub fn at(&self, pointer: &str) -> &str {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// A registered webhook endpoint.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `whk_…`
    pub id: String,
    /// `whsec_…`
    pub secret: String,
    /// `whpk_…`, if it subscribed with v1a.
    pub public_key: Option<String>,
}

/// The body that S001 documents, with this card number.
pub fn example(card: &str) -> Value {
    json!({
        "amount": 5000,
        "currency": "USD",
        "payment_method": "card",
        "customer": {"email": "customer@example.com", "name": "John Doe"},
        "card": {"number": card, "exp_month": 12, "exp_year": 2025, "cvc": "123"},
        "description": "Order #12345"
    })
}

impl Gateway {
    /// A request to the API without credentials.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_to(Process::Api, method, path)
    }

    /// A request to one of the API processes without credentials.
    pub fn request_to(&self, process: Process, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.url(process));
        self.client.request(method, url)
    }

    /// Sends a request and reads the whole response.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Response {
            status,
            headers,
            text,
            body,
        })
    }

    /// A POST of the merchant.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Response> {
        self.send(self.posting(path, body)).await
    }

    /// A POST of the merchant, to be sent.
    pub fn posting(&self, path: &str, body: &Value) -> RequestBuilder {
        let request = self.request(Method::POST, path).json(body);
        request.bearer_auth(self.merchant.test_key.as_str())
    }

    /// A GET of the merchant.
    pub async fn get(&self, path: &str) -> Result<Response> {
        let request = self.request(Method::GET, path);
        self.send(request.bearer_auth(self.merchant.test_key.as_str()))
            .await
    }

    /// The payment that S001 documents, with a card.
    pub async fn pay(&self, card: &str) -> Result<Response> {
        self.post("/v1/payments", &example(card)).await
    }

    /// The payment that S001 documents, with a card and an idempotency key.
    pub async fn pay_with_key(&self, card: &str, key: &str) -> Result<Response> {
        let request = self.posting("/v1/payments", &example(card));
        self.send(request.header("Idempotency-Key", key)).await
    }

    /// Registers a webhook endpoint for final payments, at `/v1/webhooks` or `/v2/webhooks`.
    pub async fn register(&self, path: &str, url: &str) -> Result<Endpoint> {
        let events = ["payment.succeeded", "payment.failed"];
        let body = json!({"url": url, "events": events, "signature": "v1a"});
        self.register_as(path, &body).await
    }

    /// Registers a webhook endpoint.
    pub async fn register_as(&self, path: &str, body: &Value) -> Result<Endpoint> {
        let answer = self.post(path, body).await?;
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.text);
        let text = |pointer| Some(answer.at(pointer).to_owned()).filter(|text| !text.is_empty());
        Ok(Endpoint {
            id: text("/id").context("no id")?,
            secret: text("/secret").context("no secret")?,
            public_key: text("/public_key"),
        })
    }
}
