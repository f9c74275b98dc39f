//! fourgeeks: what its document prints is asked and answered, byte for byte but for what is new each
//! time.

mod customers;
mod errors;
mod keys;
mod lists;
mod page;
mod paths;
mod payments;
mod refunds;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{Gateway, Process, Response};

/// The body that the document posts.
fn example() -> Value {
    json!({
        "amount": "500.00",
        "description": "Premium subscription payment",
        "currency": "USD",
        "items": ["Premium Plan - Monthly"],
        "return_url": "https://example.com/payment-result"
    })
}

/// A request as the document sends it: Basic, the key as user name, no password.
fn basic(gateway: &Gateway, method: Method, path: &str) -> RequestBuilder {
    let request = gateway.request(method, path);
    request.basic_auth(gateway.merchant.test_key.as_str(), Some(""))
}

async fn get(gateway: &Gateway, path: &str) -> Result<Response> {
    gateway.send(basic(gateway, Method::GET, path)).await
}

async fn post(gateway: &Gateway, path: &str, body: &Value) -> Result<Response> {
    gateway
        .send(basic(gateway, Method::POST, path).json(body))
        .await
}

/// A GET without credentials.
async fn get_as_payer(gateway: &Gateway, path: &str) -> Result<Response> {
    gateway.send(gateway.request(Method::GET, path)).await
}

/// The document's payment, created.
async fn create(gateway: &Gateway) -> Result<Response> {
    let created = post(gateway, "/v1/payments/", &example()).await?;
    anyhow::ensure!(created.status == 202, "{}", created.text);
    Ok(created)
}

/// What the page's address carries.
fn carried(address: &str) -> Result<String> {
    let (_, data) = address.split_once("/checkout/?data=").context("no data")?;
    Ok(String::from_utf8(STANDARD.decode(data)?)?)
}

/// The path of an address of the API.
fn path_of<'a>(gateway: &Gateway, address: &'a str) -> Result<&'a str> {
    let path = address.strip_prefix(&gateway.url(Process::Api));
    path.with_context(|| format!("{address} is not the API's"))
}

/// The body of an error that is neither 401 nor 402.
fn problem(status: u16, title: &str, content: &str) -> String {
    format!(r#"{{"code":{status},"title":"{title}","content":"{content}","type":"danger"}}"#)
}

/// 404 as the document prints it.
fn missing() -> String {
    problem(
        404,
        "Payments not found",
        "Errors were encountered during the search, please verify the data.",
    )
}

/// The UUID of what a `pay_` or `cus_` id names.
fn uuid(id: &str) -> Result<String> {
    let (prefix, _) = id.split_once('_').context("no prefix")?;
    let number = domain::id::parse(prefix, id).context("no id")?;
    Ok(number.to_string())
}

/// A text with a time of the form `2025-12-04T10:30:00Z` taken out of a member.
fn without_time(text: &str, member: &str, digits: usize) -> Result<String> {
    let start = format!(r#""{member}":""#);
    let (before, rest) = text.split_once(&start).context("no such member")?;
    let (time, after) = rest.split_once('"').context("no end")?;
    let shape: String = time
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let fraction = if digits == 0 {
        String::new()
    } else {
        format!(".{}", "0".repeat(digits))
    };
    anyhow::ensure!(shape == format!("0000-00-00T00:00:00{fraction}Z"), "{time}");
    Ok(format!(r#"{before}"{member}":"@"{after}"#))
}
