//! finfusion: what its document says, and what we add.

mod customers;
mod endpoints;
mod payments;
mod refunds;
mod tokens;

use anyhow::{Result, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{Gateway, Response};

use crate::repeats_card;

/// The body that S003 documents, with this card number.
fn example(card: &str) -> Value {
    json!({
        "amount": {"value": 1000, "currency": "USD"},
        "payment_method": {
            "type": "card",
            "card": {"number": card, "exp_month": 12, "exp_year": 2024, "cvc": "123"}
        },
        "metadata": {"order_id": "order_123", "customer_id": "cust_456"}
    })
}

async fn pay(gateway: &Gateway, card: &str) -> Result<Response> {
    gateway.post("/v2/payments", &example(card)).await
}

/// A request of the merchant.
fn asking(gateway: &Gateway, method: Method, path: &str) -> RequestBuilder {
    let request = gateway.request(method, path);
    request.bearer_auth(gateway.merchant.test_key.as_str())
}

/// Sends a request and checks that it is refused with this status, code and field.
async fn expect_error(
    gateway: &Gateway,
    request: RequestBuilder,
    (status, code, param): (u16, &str, &str),
) -> Result<Response> {
    let answer = gateway.send(request).await?;
    let kind = match status {
        401 | 403 => "AuthenticationError",
        402 => "PaymentError",
        429 => "RateLimitError",
        500.. => "APIError",
        _ => "ValidationError",
    };
    let found = (
        answer.status,
        answer.at("/error/type"),
        answer.at("/error/code"),
    );
    ensure!(
        found == (status, kind, code),
        "{status} {kind} {code} was expected: {} {}",
        answer.status,
        answer.text
    );
    for place in ["/error/param", "/error/details/param"] {
        ensure!(
            answer.at(place) == param,
            "{param} was expected: {}",
            answer.text
        );
    }
    ensure!(!answer.at("/error/message").is_empty(), "no message");
    ensure!(!repeats_card(&answer.text), "it repeats the card");
    ensure!(
        answer.header("content-type") == "application/json",
        "not JSON"
    );
    Ok(answer)
}
