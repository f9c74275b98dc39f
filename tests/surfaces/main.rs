//! The surfaces over real HTTP: whatever the request, the response is the contract's, nothing is stored
//! that should not be, and no response repeats a card number.

#![expect(
    clippy::indexing_slicing,
    reason = "JSON is read by its members; one that is missing is null and fails its assertion"
)]

mod bodies;
mod cross_reading;
mod fields;
mod finfusion;
mod finternet;
mod fourgeeks;
mod fuzz;
mod http;
mod keys;
mod limits;
mod outages;
mod paygate;
mod plain;
mod raw;
mod replays;
mod routes;
mod tenancy;

use anyhow::{Context, Result, ensure};
use reqwest::RequestBuilder;
use tests::{Gateway, Response, cards};

/// The error that a request gets.
struct Refusal {
    status: u16,
    code: &'static str,
    /// Empty if the error names no field.
    param: &'static str,
}

const fn refusal(status: u16, code: &'static str, param: &'static str) -> Refusal {
    Refusal {
        status,
        code,
        param,
    }
}

/// Whether a response repeats the card number, however it is grouped.
fn repeats_card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.contains(cards::APPROVED)
}

/// The error type of a status in paygate's contract.
fn kind_of(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// Checks that a response is an error as paygate's contract documents it.
fn check_error(answer: &Response) -> Result<()> {
    let members = answer.body.as_object().context("no object")?;
    let error = answer.body["error"].as_object().context("no error")?;
    let known = ["type", "code", "message", "param"];
    let is_plain = |(name, value): (&String, &serde_json::Value)| {
        known.contains(&name.as_str()) && value.as_str().is_some_and(|text| !text.is_empty())
    };
    ensure!(
        members.len() == 1 && error.iter().all(is_plain),
        "not its shape"
    );
    ensure!(error.len() >= 3, "a member is missing");
    ensure!(
        answer.at("/error/type") == kind_of(answer.status),
        "a wrong type"
    );
    ensure!(
        answer.header("content-type") == "application/json",
        "not JSON"
    );
    ensure!(!answer.header("x-request-id").is_empty(), "no request id");
    ensure!(
        !repeats_card(&format!("{}{:?}", answer.text, answer.headers)),
        "it repeats the card"
    );
    Ok(())
}

/// Sends a request and checks that it gets this error.
async fn expect_error(
    gateway: &Gateway,
    request: RequestBuilder,
    what: &Refusal,
) -> Result<Response> {
    let answer = gateway.send(request).await?;
    let found = (
        answer.status,
        answer.at("/error/code"),
        answer.at("/error/param"),
    );
    let expected = (what.status, what.code, what.param);
    ensure!(
        found == expected,
        "{expected:?} was expected: {} {}",
        answer.status,
        answer.text
    );
    check_error(&answer).with_context(|| answer.text.clone())?;
    Ok(answer)
}
