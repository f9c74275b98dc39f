//! paygate: what its document prints, and what stands beside it.

mod customers;
mod endpoints;
mod refunds;
mod tokens;
mod transactions;

use anyhow::Result;
use reqwest::Method;
use serde_json::Value;
use tests::{Gateway, Response};

/// A request of the merchant with a body.
async fn send(gateway: &Gateway, method: Method, path: &str, body: &Value) -> Result<Response> {
    let request = gateway.request(method, path).json(body);
    gateway
        .send(request.bearer_auth(gateway.merchant.test_key.as_str()))
        .await
}
