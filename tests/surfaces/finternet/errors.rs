//! Every row of the contract's table of errors.

use anyhow::{Context, Result};
use domain::merchant::{self, Mode};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{Gateway, cards, run_cases};

use super::{INTENTS, at, example, expect_error, intent, of, wrong};
use crate::repeats_card;

const KEY_MISSING: &str = r#"{"error":{"code":"authentication_required","message":"API key is required","type":"authentication_error"}}"#;
const KEY_INVALID: &str = r#"{"error":{"code":"invalid_api_key","message":"Invalid API key","type":"authentication_error"}}"#;
const FORBIDDEN: &str = r#"{"error":{"code":"forbidden","message":"You do not have access to this payment intent","type":"authentication_error"}}"#;

/// Every path that needs a key.
fn paths(id: &str) -> Vec<(Method, String)> {
    let get = |path: String| (Method::GET, path);
    let post = |path: String| (Method::POST, path);
    vec![
        post(INTENTS.to_owned()),
        get(INTENTS.to_owned()),
        get(at(id, "")),
        post(at(id, "/cancel")),
        post(at(id, "/confirm")),
        get(at(id, "/escrow")),
        post(at(id, "/escrow/dispute")),
        get(format!("{INTENTS}/account/balance")),
        get(format!("{INTENTS}/account/ledger-entries")),
    ]
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        requests_without_a_valid_key_are_refused,
        a_key_is_accepted_in_three_headers,
        another_merchants_intent_is_forbidden,
        an_unknown_intent_is_named,
        each_wrong_field_is_named_and_nothing_is_stored,
        a_body_that_is_not_json_is_refused,
        each_wrong_parameter_of_a_list_is_named,
        unknown_paths_and_wrong_methods_have_this_contracts_errors,
        live_payments_are_not_available,
        an_idempotency_key_is_short_and_plain,
        internal_errors_are_reported_as_such,
    )
}

async fn requests_without_a_valid_key_are_refused(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    let unknown = merchant::key(Mode::Test, &[7; 32]).to_string();
    for (method, path) in paths(&id) {
        let bare = || gateway.request(method.clone(), &path).json(&example());
        expect_error(gateway, bare(), 401, KEY_MISSING).await?;
        for key in ["x", "sk_test_your_key_here", "sk_hackathon_7ac6", &unknown] {
            let request = bare().header("X-API-Key", key);
            expect_error(gateway, request, 401, KEY_INVALID).await?;
        }
        let basic = bare().basic_auth(&unknown, Some(""));
        expect_error(gateway, basic, 401, KEY_INVALID).await?;
        // Two keys of two merchants.
        let ours = bare().header("X-API-Key", gateway.merchant.test_key.as_str());
        let both = ours.bearer_auth(gateway.other_merchant.test_key.as_str());
        expect_error(gateway, both, 401, KEY_INVALID).await?;
    }
    Ok(())
}

/// The documents use three headers for the key.
async fn a_key_is_accepted_in_three_headers(gateway: &Gateway) -> Result<()> {
    let key = gateway.merchant.test_key.as_str();
    let ask = || gateway.request(Method::POST, INTENTS).json(&example());
    for request in [
        ask().header("X-API-Key", key),
        ask().bearer_auth(key),
        ask().basic_auth(key, Some("")),
        ask().bearer_auth(key).header("X-API-Key", key),
    ] {
        let made = gateway.send(request).await?;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    Ok(())
}

async fn another_merchants_intent_is_forbidden(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    for (method, rest) in [(Method::GET, ""), (Method::POST, "/cancel")] {
        let theirs = of(
            gateway,
            &gateway.other_merchant,
            method.clone(),
            &at(&id, rest),
        );
        expect_error(gateway, theirs.json(&json!({})), 403, FORBIDDEN).await?;
        // Test data and live data are separate: the merchant's own live key finds nothing.
        let live = gateway.request(method, &at(&id, rest)).json(&json!({}));
        let live = live.header("X-API-Key", gateway.merchant.live_key.as_str());
        let missing = format!("Payment intent not found: {id}");
        expect_error(
            gateway,
            live,
            404,
            &wrong("resource_missing", &missing, None),
        )
        .await?;
    }
    assert_eq!(super::status(gateway, &id).await?, "INITIATED");
    Ok(())
}

async fn an_unknown_intent_is_named(gateway: &Gateway) -> Result<()> {
    for (id, shown) in [
        ("intent_2xYz9AbC123", "intent_2xYz9AbC123"),
        (
            "intent_0351FsBhSOBpYQOKPhbU9H",
            "intent_0351FsBhSOBpYQOKPhbU9H",
        ),
        (
            "intent_c4721336-8e51-45a3-a507-9eff916b63a8",
            "intent_c4721336-8e51-45a3-a507-9eff916b63a8",
        ),
        ("pay_0351FsBhSOBpYQOKPhbU9H", "pay_0351FsBhSOBpYQOKPhbU9H"),
        (cards::APPROVED, "…"),
        ("intent_4242-4242-4242-4242", "…"),
        ("%22%3Cscript%3E", "…"),
        ("%ff%fe", "…"),
        ("%00", "…"),
    ] {
        let body = wrong(
            "resource_missing",
            &format!("Payment intent not found: {shown}"),
            None,
        );
        for (method, path) in [
            (Method::GET, at(id, "")),
            (Method::POST, at(id, "/cancel")),
            (Method::GET, format!("{INTENTS}/public/{id}")),
            (Method::POST, format!("{INTENTS}/public/{id}/payment")),
        ] {
            let request = of(gateway, &gateway.merchant, method, &path);
            let request = request.json(&json!({}));
            expect_error(gateway, request, 404, &body)
                .await
                .context(path)?;
        }
    }
    Ok(())
}

fn with(name: &str, value: Value) -> Value {
    let mut body = example();
    body[name] = value;
    body
}

async fn each_wrong_field_is_named_and_nothing_is_stored(gateway: &Gateway) -> Result<()> {
    let ask = |body: &Value| of(gateway, &gateway.merchant, Method::POST, INTENTS).json(body);
    let zero = r#"{"error":{"code":"invalid_request","message":"The amount must be greater than 0","type":"invalid_request_error","param":"amount"}}"#;
    expect_error(gateway, ask(&with("amount", json!("0"))), 400, zero).await?;
    for (name, value) in [
        ("amount", json!(100)),
        ("currency", json!("usdc")),
        ("settlementDestination", json!(cards::APPROVED)),
        ("deliveryOracle", json!("0x1")),
        ("capture", json!(true)),
    ] {
        let answer = gateway.send(ask(&with(name, value))).await?;
        let found = (
            answer.status,
            answer.at("/error/code"),
            answer.at("/error/param"),
        );
        assert_eq!(found, (400, "invalid_request", name), "{}", answer.text);
        assert_eq!(answer.at("/error/type"), "invalid_request_error");
        assert!(!repeats_card(&answer.text));
    }
    gateway.check_nothing_stored().await
}

async fn a_body_that_is_not_json_is_refused(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    let typed = |request: RequestBuilder| request.header("Content-Type", "application/json");
    for path in [
        INTENTS.to_owned(),
        at(&id, "/cancel"),
        format!("{INTENTS}/public/{id}/payment"),
    ] {
        let ask = || of(gateway, &gateway.merchant, Method::POST, &path);
        for request in [
            ask().body("amount=100"),
            typed(ask()).body("{"),
            typed(ask()).body(r#"{"reason":"a","reason":"b"}"#),
            typed(ask()).body("[]"),
            ask().header("Content-Type", "text/plain").body("{}"),
        ] {
            let answer = gateway.send(request).await?;
            let found = (
                answer.status,
                answer.at("/error/code"),
                answer.at("/error/param"),
            );
            assert_eq!(
                found,
                (400, "invalid_request", ""),
                "{path}: {}",
                answer.text
            );
        }
    }
    assert_eq!(super::status(gateway, &id).await?, "INITIATED");
    Ok(())
}

async fn each_wrong_parameter_of_a_list_is_named(gateway: &Gateway) -> Result<()> {
    let theirs = of(gateway, &gateway.other_merchant, Method::POST, INTENTS);
    let theirs = gateway.send(theirs.json(&example())).await?;
    let theirs = format!("?starting_after={}", theirs.at("/id"));
    for (query, param) in [
        ("?limit=0", "limit"),
        ("?starting_after=intent_123", "starting_after"),
        (
            "?starting_after=intent_0351FsBhSOBpYQOKPhbU9H",
            "starting_after",
        ),
        (&theirs, "starting_after"),
        ("/account/ledger-entries?limit=0", "limit"),
        ("/account/ledger-entries?offset=10001", "offset"),
        (
            "/account/ledger-entries?transactionType=FEE",
            "transactionType",
        ),
        (
            "/account/ledger-entries?paymentIntentId=intent_1",
            "paymentIntentId",
        ),
    ] {
        let answer = super::get(gateway, &format!("{INTENTS}{query}")).await?;
        let found = (
            answer.status,
            answer.at("/error/code"),
            answer.at("/error/param"),
        );
        assert_eq!(
            found,
            (400, "invalid_request", param),
            "{query}: {}",
            answer.text
        );
    }
    Ok(())
}

async fn unknown_paths_and_wrong_methods_have_this_contracts_errors(
    gateway: &Gateway,
) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    let unknown = wrong(
        "resource_missing",
        "Unknown path. See /docs for the paths of this API.",
        None,
    );
    for path in [
        at(&id, "/refund"),
        at(&id, "/escrow/release"),
        format!("{INTENTS}/account/debts"),
    ] {
        let request = of(gateway, &gateway.merchant, Method::GET, &path);
        expect_error(gateway, request, 404, &unknown)
            .await
            .context(path)?;
    }
    let method = wrong(
        "invalid_request",
        "The path does not support this method.",
        None,
    );
    for (method_sent, path) in [
        (Method::PUT, INTENTS.to_owned()),
        (Method::DELETE, at(&id, "")),
        (Method::GET, at(&id, "/cancel")),
        (Method::GET, format!("{INTENTS}/public/{id}/payment")),
        (Method::POST, format!("{INTENTS}/account/balance")),
    ] {
        let request = of(gateway, &gateway.merchant, method_sent, &path);
        expect_error(gateway, request, 405, &method)
            .await
            .context(path)?;
    }
    Ok(())
}

async fn live_payments_are_not_available(gateway: &Gateway) -> Result<()> {
    let request = gateway.request(Method::POST, INTENTS).json(&example());
    let request = request.header("X-API-Key", gateway.merchant.live_key.as_str());
    let answer = gateway.send(request).await?;
    let found = (
        answer.status,
        answer.at("/error/code"),
        answer.at("/error/type"),
    );
    assert_eq!(
        found,
        (403, "forbidden", "authentication_error"),
        "{}",
        answer.text
    );
    Ok(())
}

async fn an_idempotency_key_is_short_and_plain(gateway: &Gateway) -> Result<()> {
    let long = "k".repeat(256);
    for key in ["", "a\ttab", cards::APPROVED, long.as_str()] {
        let request = of(gateway, &gateway.merchant, Method::POST, INTENTS);
        let request = request.header("Idempotency-Key", key).json(&example());
        let answer = gateway.send(request).await?;
        let found = (
            answer.status,
            answer.at("/error/code"),
            answer.at("/error/param"),
        );
        assert_eq!(
            found,
            (400, "invalid_request", "Idempotency-Key"),
            "{}",
            answer.text
        );
    }
    Ok(())
}

async fn internal_errors_are_reported_as_such(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    // No card can be sealed before the card worker has created a key.
    let paying = super::pay(gateway, &id, cards::APPROVED);
    let paid = gateway.without_rows("sealing_keys", paying).await?;
    assert_eq!(
        (paid.status, paid.text.as_str()),
        (
            503,
            r#"{"error":{"code":"service_unavailable","message":"Not available at the moment. Send the request again, with the same Idempotency-Key if it had one.","type":"api_error"}}"#
        )
    );
    assert!(!paid.header("retry-after").is_empty());

    let listing = super::get(gateway, INTENTS);
    let list = gateway.without_tables(&["intents"], listing).await?;
    assert_eq!(
        (list.status, list.text.as_str()),
        (
            500,
            r#"{"error":{"code":"internal_error","message":"Something went wrong on our side. Send the request again, with the same Idempotency-Key if it had one.","type":"api_error"}}"#
        )
    );
    let paid = super::pay(gateway, &id, cards::APPROVED).await?;
    assert_eq!(paid.status, 200, "{}", paid.text);
    Ok(())
}
