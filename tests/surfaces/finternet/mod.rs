//! finternet: the conversations and errors of its contract.

mod account;
mod cancel;
mod cards;
mod conversations;
mod endpoints;
mod errors;
mod on_chain;
mod refunds;
mod webhooks;

use anyhow::{Result, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use store::merchants::Credentials;
use tests::{Gateway, Response};

const INTENTS: &str = "/v1/payment-intents";

/// The body that S000 documents.
fn example() -> Value {
    json!({"amount": "100.00", "currency": "USDC", "type": "DELIVERY_VS_PAYMENT"})
}

/// A card as its payer writes it.
fn card(number: &str) -> Value {
    json!({"card": {"cardNumber": number, "expiry": "12/25", "cvv": "123", "name": "John Doe"}})
}

/// The path of an intent, or of something below it.
fn at(id: &str, rest: &str) -> String {
    format!("{INTENTS}/{id}{rest}")
}

/// A request of a merchant, with its key as this contract sends it.
fn of(gateway: &Gateway, merchant: &Credentials, method: Method, path: &str) -> RequestBuilder {
    let request = gateway.request(method, path);
    request.header("X-API-Key", merchant.test_key.as_str())
}

async fn get(gateway: &Gateway, path: &str) -> Result<Response> {
    let request = of(gateway, &gateway.merchant, Method::GET, path);
    gateway.send(request).await
}

async fn post(gateway: &Gateway, path: &str, body: &Value) -> Result<Response> {
    let request = of(gateway, &gateway.merchant, Method::POST, path);
    gateway.send(request.json(body)).await
}

/// Creates an intent and returns its id.
async fn intent(gateway: &Gateway, body: &Value) -> Result<String> {
    let made = post(gateway, INTENTS, body).await?;
    ensure!(made.status == 201, "{}: {}", made.status, made.text);
    Ok(made.at("/id").to_owned())
}

/// Pays an intent as a payer does: without a key.
async fn pay(gateway: &Gateway, id: &str, number: &str) -> Result<Response> {
    let path = format!("{INTENTS}/public/{id}/payment");
    let request = gateway.request(Method::POST, &path);
    gateway.send(request.json(&card(number))).await
}

async fn status(gateway: &Gateway, id: &str) -> Result<String> {
    let found = get(gateway, &at(id, "")).await?;
    ensure!(
        found.at("/status") == found.at("/data/status"),
        "{}",
        found.text
    );
    Ok(found.at("/status").to_owned())
}

/// What the acquirer did for an intent, over all its payments, as `approved`, `captured`, …
async fn charged(gateway: &Gateway, id: &str) -> Result<Vec<String>> {
    let mut did = Vec::new();
    for payment in gateway.payments().await? {
        if payment.intent.as_deref() == Some(id) {
            did.extend(gateway.acquirer_did(&payment.id)?);
        }
    }
    Ok(did)
}

/// Sends a request and checks that it is refused with exactly this body.
async fn expect_error(
    gateway: &Gateway,
    request: RequestBuilder,
    status: u16,
    body: &str,
) -> Result<()> {
    let answer = gateway.send(request).await?;
    let found = (answer.status, answer.text.as_str());
    ensure!(
        found == (status, body),
        "{status} {body} was expected: {found:?}"
    );
    ensure!(
        answer.header("content-type") == "application/json",
        "not JSON"
    );
    ensure!(!answer.header("x-request-id").is_empty(), "no request id");
    Ok(())
}

/// The body of this contract's error about a request.
fn wrong(code: &str, message: &str, param: Option<&str>) -> String {
    let param = param.map_or(String::new(), |param| format!(r#","param":"{param}""#));
    format!(
        r#"{{"error":{{"code":"{code}","message":"{message}","type":"invalid_request_error"{param}}}}}"#
    )
}
