//! Refunds.

use anyhow::{Context, Result};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Receiver, cards, run_cases};

use super::{asking, expect_error, pay};
use crate::plain::plain;

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_payment_is_refunded_in_parts,
        a_wrong_refund_is_named_and_changes_nothing,
        concurrent_refunds_never_exceed_the_payment,
        one_key_creates_one_refund_and_payments_of_others_are_not_found,
        a_failed_refund_is_not_notified_as_refunded,
    )
}

async fn a_payment_is_refunded_in_parts(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let hook = json!({"url": receiver.url("/"), "events": ["payment.refunded"]});
    gateway.register_as("/v2/webhooks", &hook).await?;
    let paid = pay(gateway, cards::APPROVED).await?;
    let path = format!("/v2/payments/{}", paid.at("/id"));
    let body = json!({"amount": {"value": 400, "currency": "USD"}, "reason": "damaged"});
    let part = gateway.post(&format!("{path}/refund"), &body).await?;
    let printed = r#"{"id":"ref_…","payment_id":"pay_…","status":"succeeded","amount":{"value":400,"currency":"USD"},"reason":"damaged","created_at":…}"#;
    assert_eq!((part.status, plain(&part.text).as_str()), (200, printed));
    assert_eq!(part.at("/payment_id"), paid.at("/id"));
    let read = gateway.get(&path).await?;
    assert_eq!(
        read.body["amount_refunded"],
        json!({"value": 400, "currency": "USD"})
    );
    assert_eq!(read.at("/status"), "succeeded");

    let rest = gateway.post(&format!("{path}/refund"), &json!({})).await?;
    assert_eq!(
        (rest.status, &rest.body["amount"]["value"]),
        (200, &json!(600))
    );
    // Nothing is left: the error names the amount only if one was sent.
    for (body, code, param) in [
        (json!({}), "VAL002", ""),
        (json!({"amount": {"value": 1}}), "VAL001", "amount"),
    ] {
        let request = gateway.posting(&format!("{path}/refund"), &body);
        expect_error(gateway, request, (400, code, param)).await?;
    }
    gateway.drain().await?;
    let webhooks = receiver.requests();
    assert!(
        webhooks
            .iter()
            .all(|event| event.json()["type"] == "payment.refunded")
    );
    let mut objects: Vec<Value> = webhooks
        .iter()
        .map(|event| event.json()["data"]["object"].clone())
        .collect();
    objects.sort_by_key(|object| object["id"].to_string());
    assert_eq!(objects, [part.body, rest.body]);
    Ok(())
}

async fn a_wrong_refund_is_named_and_changes_nothing(gateway: &Gateway) -> Result<()> {
    let paid = pay(gateway, cards::APPROVED).await?;
    let path = format!("/v2/payments/{}/refund", paid.at("/id"));
    for (body, param) in [
        (json!({"amount": {"value": 1001}}), "amount"),
        (
            json!({"amount": {"value": 1000, "currency": "EUR"}}),
            "amount.currency",
        ),
        (json!({"amount": {"value": "400"}}), "amount.value"),
        (json!({"reason": cards::APPROVED}), "reason"),
        (json!({"charge": "x"}), "charge"),
    ] {
        let request = gateway.posting(&path, &body);
        let answer = expect_error(gateway, request, (400, "VAL001", param)).await;
        answer.with_context(|| body.to_string())?;
    }
    let read = gateway
        .get(&format!("/v2/payments/{}", paid.at("/id")))
        .await?;
    assert_eq!(read.text, paid.text);

    let declined = pay(gateway, cards::DECLINED).await?;
    let path = format!("/v2/payments/{}/refund", declined.at("/error/payment_id"));
    let request = gateway.posting(&path, &json!({}));
    expect_error(gateway, request, (400, "VAL002", "")).await?;
    Ok(())
}

async fn concurrent_refunds_never_exceed_the_payment(gateway: &Gateway) -> Result<()> {
    let paid = pay(gateway, cards::APPROVED).await?;
    let path = format!("/v2/payments/{}/refund", paid.at("/id"));
    let body = json!({"amount": {"value": 300}});
    let answers = try_join_all((0..8).map(|_| gateway.post(&path, &body))).await?;
    let of = |status| answers.iter().filter(move |answer| answer.status == status);
    assert_eq!((of(200).count(), of(400).count()), (3, 5));
    Ok(())
}

async fn one_key_creates_one_refund_and_payments_of_others_are_not_found(
    gateway: &Gateway,
) -> Result<()> {
    let paid = pay(gateway, cards::APPROVED).await?;
    let path = format!("/v2/payments/{}/refund", paid.at("/id"));
    let keyed = |body: &Value| {
        gateway
            .posting(&path, body)
            .header("Idempotency-Key", "once")
    };
    let first = gateway
        .send(keyed(&json!({"amount": {"value": 1}})))
        .await?;
    let again = gateway
        .send(keyed(&json!({"amount": {"value": 1}})))
        .await?;
    assert_eq!((again.status, &again.text), (200, &first.text));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let reused = (409, "VAL002", "Idempotency-Key");
    expect_error(gateway, keyed(&json!({"amount": {"value": 2}})), reused).await?;

    let missing = (404, "VAL003", "");
    let theirs = gateway.request(Method::POST, &path).json(&json!({}));
    let theirs = theirs.bearer_auth(gateway.other_merchant.test_key.as_str());
    expect_error(gateway, theirs, missing).await?;
    let unknown = "/v2/payments/pay_0000000000000000000001/refund";
    let unknown = asking(gateway, Method::POST, unknown).json(&json!({}));
    expect_error(gateway, unknown, missing).await?;
    Ok(())
}

/// This contract has an event for refunds that succeeded, but none for those that failed. paygate has
/// one for both.
async fn a_failed_refund_is_not_notified_as_refunded(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    for (path, name) in [("/v1/webhooks", "/paygate"), ("/v2/webhooks", "/finfusion")] {
        let asked = json!({"url": receiver.url(name)});
        gateway.register_as(path, &asked).await?;
    }
    let paid = pay(gateway, cards::UNREFUNDABLE).await?;
    let path = format!("/v2/payments/{}/refund", paid.at("/id"));
    let refund = gateway.post(&path, &json!({})).await?;
    assert_eq!((refund.status, refund.at("/status")), (200, "failed"));
    gateway.drain().await?;
    let webhooks = receiver.requests();
    let mut webhooks: Vec<(&str, Value)> = webhooks
        .iter()
        .map(|event| (event.path.as_str(), event.json()["type"].clone()))
        .collect();
    webhooks.sort_by_key(|(path, kind)| (*path, kind.to_string()));
    let expected = [
        ("/finfusion", json!("payment.succeeded")),
        ("/paygate", json!("payment.succeeded")),
        ("/paygate", json!("refund.created")),
    ];
    assert_eq!(webhooks, expected);
    Ok(())
}
