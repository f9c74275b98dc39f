//! Operations that only payments on chain need.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use tests::{Gateway, run_cases};

use super::{INTENTS, at, example, expect_error, intent, of, wrong};

/// The paths below an intent, and whether they need its escrow.
const PATHS: [(Method, &str, bool); 6] = [
    (Method::POST, "/confirm", false),
    (Method::GET, "/escrow", true),
    (Method::POST, "/escrow/delivery-proof", true),
    (Method::POST, "/escrow/dispute", true),
    (Method::POST, "/escrow/milestones", true),
    (
        Method::POST,
        "/escrow/milestones/milestone_1/complete",
        true,
    ),
];

const UNAVAILABLE: &str =
    "On-chain payments are not available on this gateway. Pay this payment intent by card.";

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        operations_that_need_a_chain_say_so,
        an_unknown_intent_is_reported_before_its_escrow,
    )
}

async fn operations_that_need_a_chain_say_so(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    let no_escrow = format!(
        "Escrow order not found for payment intent: {id}. \
         On-chain payments are not available on this gateway."
    );
    for (method, rest, needs_escrow) in PATHS {
        let request = of(gateway, &gateway.merchant, method, &at(&id, rest));
        let (status, body) = if needs_escrow {
            (404, wrong("resource_missing", &no_escrow, None))
        } else {
            (400, wrong("invalid_request", UNAVAILABLE, None))
        };
        expect_error(gateway, request.json(&json!({})), status, &body).await?;
    }
    let path = format!("{INTENTS}/public/{id}/transaction-hash");
    let request = gateway.request(Method::POST, &path).json(&json!({}));
    let unavailable = wrong("invalid_request", UNAVAILABLE, None);
    expect_error(gateway, request, 400, &unavailable).await?;
    assert_eq!(super::status(gateway, &id).await?, "INITIATED");
    Ok(())
}

async fn an_unknown_intent_is_reported_before_its_escrow(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    let missing = wrong(
        "resource_missing",
        "Payment intent not found: intent_1",
        None,
    );
    let forbidden = r#"{"error":{"code":"forbidden","message":"You do not have access to this payment intent","type":"authentication_error"}}"#;
    for (method, rest, _) in PATHS {
        let ours = of(
            gateway,
            &gateway.merchant,
            method.clone(),
            &at("intent_1", rest),
        );
        expect_error(gateway, ours.json(&json!({})), 404, &missing).await?;
        let theirs = of(gateway, &gateway.other_merchant, method, &at(&id, rest));
        expect_error(gateway, theirs.json(&json!({})), 403, forbidden).await?;
    }
    let path = format!("{INTENTS}/public/intent_1/transaction-hash");
    let request = gateway.request(Method::POST, &path).json(&json!({}));
    expect_error(gateway, request, 404, &missing).await?;
    Ok(())
}
