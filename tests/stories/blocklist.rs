//! What an operator blocks is refused at every merchant, like a card that its issuer declines.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Response, cards, example};

async fn pay(gateway: &Gateway, card: &str, email: &str) -> Result<Response> {
    let mut body = example(card);
    body["customer"] = json!({ "email": email });
    let request = gateway.request(Method::POST, "/v1/payments").json(&body);
    let request = request.bearer_auth(gateway.other_merchant.test_key.as_str());
    gateway.send(request).await
}

/// Pays an intent without a key.
async fn pay_publicly(gateway: &Gateway) -> Result<Response> {
    let intent = gateway.request(Method::POST, "/v1/payment-intents");
    let intent = intent.header("X-API-Key", gateway.merchant.test_key.as_str());
    let body = json!({"amount": "10.00", "currency": "USD", "type": "CONDITIONAL"});
    let made = gateway.send(intent.json(&body)).await?;
    let path = format!("/v1/payment-intents/public/{}/payment", made.at("/id"));
    let card =
        json!({"cardNumber": cards::APPROVED, "expiry": "12/30", "cvv": "123", "name": "John Doe"});
    let request = gateway.request(Method::POST, &path);
    gateway.send(request.json(&json!({ "card": card }))).await
}

#[tokio::test]
async fn what_an_operator_blocks_is_not_sent() -> Result<()> {
    let gateway = Gateway::start().await?;
    let paid = gateway.pay(cards::APPROVED).await?.at("/id").to_owned();
    let mastercard = "5555555555554444";
    for (kind, value, card, email) in [
        ("card", paid.as_str(), cards::APPROVED, "payer@example.com"),
        ("bin", "555555", mastercard, "payer@example.com"),
        ("bin", "55555555", mastercard, "payer@example.com"),
        (
            "email",
            "Thief@Example.com",
            mastercard,
            "thief@example.COM",
        ),
    ] {
        let before = pay(&gateway, card, email).await?;
        ensure!(
            before.at("/status") == "succeeded",
            "{kind}: {}",
            before.text
        );
        let sent = gateway.sandbox_log()?.len();
        let added = ["blocklist", "add", kind, value, "--reason", "stolen"];
        gateway.operate(&added).await?;
        let refused = pay(&gateway, card, email).await?;
        let found = (refused.at("/status"), refused.at("/failure_code"));
        assert_eq!(
            found,
            ("failed", "card_declined"),
            "{kind}: {}",
            refused.text
        );
        assert_eq!(gateway.sandbox_log()?.len(), sent, "{kind}");
        let list = gateway.operate(&["blocklist", "list", "--json"]).await?;
        let list: Value = serde_json::from_str(&list)?;
        let number = list[0]["id"].as_i64().context("no entry")?.to_string();
        assert_eq!(
            (&list[0]["kind"], &list[0]["reason"]),
            (&json!(kind), &json!("stolen"))
        );
        gateway.operate(&["blocklist", "remove", &number]).await?;
        let after = pay(&gateway, card, email).await?;
        ensure!(after.at("/status") == "succeeded", "{kind}: {}", after.text);
    }
    assert_eq!(pay_publicly(&gateway).await?.status, 200);
    gateway
        .operate(&["blocklist", "add", "network", "127.0.0.0/8"])
        .await?;
    let refused = pay_publicly(&gateway).await?;
    assert_eq!(refused.status, 400, "{}", refused.text);
    ensure!(
        refused.text.contains("Your card was declined."),
        "{}",
        refused.text
    );
    // Calls with a key are the merchant's, whatever network they come from.
    assert_eq!(
        gateway.pay(cards::APPROVED).await?.at("/status"),
        "succeeded"
    );
    let audit = gateway.operate(&["audit"]).await?;
    ensure!(
        audit.contains("blocklist.added") && audit.contains("blocklist.removed"),
        "{audit}"
    );
    let rules = "select count(*) from risk_verdicts where rule = 'blocklist'";
    let rules: i64 = sqlx::query_scalar(rules)
        .fetch_one(gateway.database())
        .await?;
    assert_eq!(rules, 5);
    gateway.finish().await
}

/// Runs a command that must fail; returns what it printed.
async fn expect_failure(gateway: &Gateway, command: &[&str]) -> Result<String> {
    let ran = gateway.sluice(command).await?;
    let printed = format!("{}{}", ran.output, ran.errors);
    ensure!(ran.code == Some(1), "{command:?}: {printed}");
    ensure!(!printed.contains(cards::APPROVED), "{printed}");
    Ok(printed)
}

/// No error repeats a card number that somebody typed.
#[tokio::test]
async fn values_that_cannot_be_blocked_are_refused() -> Result<()> {
    let gateway = Gateway::start().await?;
    for (kind, value, why) in [
        ("bin", cards::APPROVED, "six or eight digits"),
        ("bin", "4242", "six or eight digits"),
        ("email", cards::APPROVED, "not an e-mail address"),
        ("network", cards::APPROVED, "not a network"),
        ("network", "203.0.113.0", "not a network"),
        ("card", "pay_1", "name a payment"),
        (cards::APPROVED, "x", "card, bin, email or network"),
    ] {
        let printed = expect_failure(&gateway, &["blocklist", "add", kind, value]).await?;
        ensure!(printed.contains(why), "{kind} {value}: {printed}");
    }
    let reason = format!("--reason=card {}", cards::APPROVED);
    let other = gateway.other_merchant.merchant_id.to_string();
    for command in [
        ["blocklist", "add", "bin", "424242", &reason].as_slice(),
        &["merchant", "disable", &other, &reason],
        &["merchant", "enable", &other, &reason],
    ] {
        let printed = expect_failure(&gateway, command).await?;
        ensure!(printed.contains("looks like a card number"), "{printed}");
    }
    let block = ["blocklist", "add", "bin", "424242"];
    gateway.operate(&block).await?;
    let printed = expect_failure(&gateway, &block).await?;
    ensure!(printed.contains("blocked already"), "{printed}");
    gateway.finish().await
}
