//! Payments.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Options, Receiver, cards, run_cases, until};

use super::{asking, example, expect_error, pay};
use crate::plain::plain;

/// The documented request body, byte for byte.
const EXAMPLE: &str = r#"{
"amount": {
"value": 1000,
"currency": "USD"
},
"payment_method": {
"type": "card",
"card": {
"number": "4242424242424242",
"exp_month": 12,
"exp_year": 2024,
"cvc": "123"
}
},
"metadata": {
"order_id": "order_123",
"customer_id": "cust_456"
}
}"#;

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        the_example_gets_the_documented_response,
        a_decline_is_a_402_that_names_its_payment,
        wrong_fields_are_named_and_nothing_is_stored,
        one_key_is_one_payment,
        payments_are_listed_in_pages,
        payments_of_others_are_not_found,
    )
}

async fn the_example_gets_the_documented_response(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    gateway.register("/v2/webhooks", &receiver.url("/")).await?;
    let request = asking(gateway, Method::POST, "/v2/payments");
    let request = request
        .header("Content-Type", "application/json")
        .body(EXAMPLE);
    let paid = gateway.send(request).await?;
    // The response has metadata in the order of the request, reads in that of the database: the shorter
    // name first, as here.
    let printed = r#"{"id":"pay_…","status":"succeeded","amount":{"value":1000,"currency":"USD"},"payment_method":{"id":"pm_…","type":"card","card":{"brand":"visa","last4":"4242","exp_month":12,"exp_year":2024}},"created_at":…,"metadata":{"order_id":"order_123","customer_id":"cust_456"}}"#;
    assert_eq!((paid.status, plain(&paid.text).as_str()), (200, printed));
    let path = format!("/v2/payments/{}", paid.at("/id"));
    let read = gateway.get(&path).await?;
    assert_eq!((read.status, &read.text), (200, &paid.text));
    let read = gateway.get(&format!("/api{path}")).await?;
    assert_eq!((read.status, &read.text), (200, &paid.text));
    gateway.drain().await?;
    let webhooks = receiver.wait_for(1).await?;
    let event = webhooks.first().context("no webhook")?.json();
    assert_eq!(event["type"], "payment.succeeded");
    assert_eq!(event["data"]["object"], paid.body);
    assert_eq!(
        gateway.acquirer_did(paid.at("/id"))?,
        ["approved", "captured"]
    );
    Ok(())
}

async fn a_decline_is_a_402_that_names_its_payment(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    gateway.register("/v2/webhooks", &receiver.url("/")).await?;
    for (card, code) in [
        (cards::DECLINED, "card_declined"),
        (cards::INSUFFICIENT_FUNDS, "insufficient_funds"),
        (cards::EXPIRED, "expired_card"),
    ] {
        let request = gateway.posting("/v2/payments", &example(card));
        let declined = expect_error(gateway, request, (402, "PAY001", "")).await?;
        let printed = format!(
            r#"{{"error":{{"type":"PaymentError","code":"PAY001","message":"Payment failed","decline_code":"{code}","payment_id":"pay_…"}}}}"#
        );
        assert_eq!(plain(&declined.text), printed);
        // The declined payment can be read without an error.
        let path = format!("/v2/payments/{}", declined.at("/error/payment_id"));
        let read = gateway.get(&path).await?;
        let found = (read.status, read.at("/status"), read.at("/decline_code"));
        assert_eq!(found, (200, "failed", code));
    }
    gateway.drain().await?;
    let webhooks = receiver.requests();
    assert_eq!(webhooks.len(), 3);
    assert!(
        webhooks
            .iter()
            .all(|event| event.json()["type"] == "payment.failed")
    );
    Ok(())
}

#[tokio::test]
async fn a_payment_whose_outcome_is_late_is_pending() -> Result<()> {
    let options = Options {
        wait_ms: 100,
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    let late = pay(&gateway, cards::VERY_SLOW).await?;
    assert_eq!((late.status, late.at("/status")), (200, "pending"));
    gateway.drain().await?;
    let read = gateway
        .get(&format!("/v2/payments/{}", late.at("/id")))
        .await?;
    assert_eq!(read.at("/status"), "succeeded");
    gateway.finish().await
}

async fn wrong_fields_are_named_and_nothing_is_stored(gateway: &Gateway) -> Result<()> {
    for (pointer, value, param) in [
        ("/amount", json!(null), "amount"),
        ("/amount/value", json!("1000"), "amount.value"),
        (
            "/payment_method/card/number",
            json!(cards::INVALID),
            "payment_method.card.number",
        ),
        ("/metadata", json!({"note": cards::APPROVED}), "metadata"),
        ("/capture", json!(false), "capture"),
    ] {
        let mut body = example(cards::APPROVED);
        let (parent, name) = pointer.rsplit_once('/').context("a path")?;
        let parent = body.pointer_mut(parent).and_then(Value::as_object_mut);
        parent.context("an object")?.insert(name.to_owned(), value);
        let request = gateway.posting("/v2/payments", &body);
        let answer = expect_error(gateway, request, (400, "VAL001", param)).await;
        answer.with_context(|| pointer.to_owned())?;
    }
    let request = gateway.posting("/v2/payments", &json!([example(cards::APPROVED)]));
    expect_error(gateway, request, (400, "VAL001", "")).await?;
    let live = gateway
        .request(Method::POST, "/v2/payments")
        .json(&example(cards::APPROVED));
    let live = live.bearer_auth(gateway.merchant.live_key.as_str());
    expect_error(gateway, live, (403, "AUTH003", "")).await?;
    gateway.check_nothing_stored().await?;
    Ok(())
}

async fn one_key_is_one_payment(gateway: &Gateway) -> Result<()> {
    let keyed = |body: &Value, key: &str| {
        let request = gateway.posting("/v2/payments", body);
        request.header("Idempotency-Key", key)
    };
    for (card, status) in [(cards::APPROVED, 200), (cards::DECLINED, 402)] {
        let key = format!("order-{status}");
        let first = gateway.send(keyed(&example(card), &key)).await?;
        // Another security code makes no other request.
        let mut same = example(card);
        same["payment_method"]["card"]["cvc"] = json!("999");
        let again = gateway.send(keyed(&same, &key)).await?;
        assert_eq!((first.status, again.status), (status, status));
        assert_eq!(again.text, first.text);
        assert_eq!(again.header("idempotent-replayed"), "true");
        let mut other = example(card);
        other["amount"]["value"] = json!(1001);
        let reused = (409, "VAL002", "Idempotency-Key");
        expect_error(gateway, keyed(&other, &key), reused).await?;
    }
    let malformed = (400, "VAL002", "Idempotency-Key");
    expect_error(
        gateway,
        keyed(&example(cards::APPROVED), cards::APPROVED),
        malformed,
    )
    .await?;
    let list = gateway.get("/v2/payments").await?;
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(2));
    Ok(())
}

async fn payments_are_listed_in_pages(gateway: &Gateway) -> Result<()> {
    let empty = gateway.get("/v2/payments").await?;
    assert_eq!(
        empty.text,
        r#"{"object":"list","data":[],"has_more":false}"#
    );
    let mut made = Vec::new();
    for _ in 0..3 {
        made.insert(0, pay(gateway, cards::APPROVED).await?.body);
    }
    let second = made
        .get(1)
        .and_then(|payment| payment["id"].as_str())
        .context("an id")?;
    for (query, range, more) in [
        (String::new(), 0..3, false),
        ("?limit=2".to_owned(), 0..2, true),
        ("?limit=2&offset=2".to_owned(), 2..3, false),
        (format!("?limit=2&starting_after={second}"), 2..3, false),
    ] {
        let list = gateway.get(&format!("/v2/payments{query}")).await?;
        let expected = made.get(range).context("a range")?;
        assert_eq!(list.body["data"], json!(expected), "{query}");
        assert_eq!(list.body["has_more"], json!(more), "{query}");
    }
    for (query, param) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("offset=10001", "offset"),
        ("starting_after=pay_1", "starting_after"),
    ] {
        let request = asking(gateway, Method::GET, &format!("/v2/payments?{query}"));
        expect_error(gateway, request, (400, "VAL002", param)).await?;
    }
    Ok(())
}

async fn payments_of_others_are_not_found(gateway: &Gateway) -> Result<()> {
    let paid = pay(gateway, cards::APPROVED).await?;
    let path = format!("/v2/payments/{}", paid.at("/id"));
    let missing = (404, "VAL003", "");
    for key in [&gateway.other_merchant.test_key, &gateway.merchant.live_key] {
        let request = gateway
            .request(Method::GET, &path)
            .bearer_auth(key.as_str());
        expect_error(gateway, request, missing).await?;
        let list = gateway
            .request(Method::GET, "/v2/payments")
            .bearer_auth(key.as_str());
        assert_eq!(gateway.send(list).await?.body["data"], json!([]));
    }
    for id in [
        "pay_1",
        "pay_0000000000000000000001",
        cards::APPROVED,
        "%ff",
        "%00",
    ] {
        let request = asking(gateway, Method::GET, &format!("/v2/payments/{id}"));
        expect_error(gateway, request, missing).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_rate_limited_request_says_when_to_retry() -> Result<()> {
    let options = Options {
        rate_limit: Some(3),
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    let beyond = || asking(&gateway, Method::GET, "/v2/payments");
    // A minute may end in between.
    let limited = until(
        "the limit is reached",
        Duration::from_secs(70),
        async || {
            let answer = gateway.send(beyond()).await?;
            Ok((answer.status != 200).then_some(answer))
        },
    )
    .await?;
    let found = (
        limited.status,
        limited.at("/error/type"),
        limited.at("/error/code"),
    );
    assert_eq!(found, (429, "RateLimitError", "RATE001"));
    let wait: u64 = limited.header("retry-after").parse()?;
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(limited.header("x-ratelimit-limit"), "3");
    assert_eq!(limited.header("x-ratelimit-remaining"), "0");
    gateway.finish().await
}
