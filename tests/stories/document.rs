//! What S001 documents: the example, the test cards, the customer, the payment without a card.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Receiver, Response, cards, example};
use time::OffsetDateTime;

const HOUR: Duration = Duration::from_hours(1);

/// The documented request body, byte for byte.
const EXAMPLE: &str = r#"{
"amount": 5000,
"currency": "USD",
"payment_method": "card",
"customer": {
"email": "customer@example.com",
"name": "John Doe"
},
"card": {
"number": "4242424242424242",
"exp_month": 12,
"exp_year": 2025,
"cvc": "123"
},
"description": "Order #12345"
}"#;

/// Whether `id` is a prefix and 22 letters and digits.
fn is_id(prefix: &str, id: &str) -> bool {
    let digits = id.strip_prefix(prefix).unwrap_or_default();
    digits.len() == 22 && digits.bytes().all(|digit| digit.is_ascii_alphanumeric())
}

#[tokio::test]
async fn the_example_gets_the_documented_response() -> Result<()> {
    let gateway = Gateway::start().await?;
    let receiver = Receiver::start().await?;
    gateway
        .register("/v1/webhooks", &receiver.url("/hook"))
        .await?;
    let request = gateway
        .request(Method::POST, "/v1/payments")
        .bearer_auth(gateway.merchant.test_key.as_str())
        .header("Content-Type", "application/json")
        .body(EXAMPLE);
    let paid = gateway.send(request).await?;

    let (id, customer) = (paid.at("/id"), paid.at("/customer/id"));
    let created = paid.body["created"].as_i64().context("no time")?;
    assert!(
        is_id("pay_", id) && is_id("cus_", customer),
        "{}",
        paid.text
    );
    assert!((OffsetDateTime::now_utc().unix_timestamp() - created).abs() < 10);
    let payment = format!(
        r#"{{"id":"{id}","status":"succeeded","amount":5000,"currency":"USD","created":{created},"customer":{{"id":"{customer}","email":"customer@example.com"}},"description":"Order #12345"}}"#
    );
    assert_eq!((paid.status, paid.text.as_str()), (200, payment.as_str()));
    assert_eq!(paid.header("content-type"), "application/json");
    let read = gateway.get(&format!("/v1/payments/{id}")).await?;
    assert_eq!((read.status, &read.text), (200, &payment));
    let read = gateway.get(&format!("/api/v1/payments/{id}")).await?;
    assert_eq!((read.status, &read.text), (200, &payment));

    gateway.drain().await?;
    let webhooks = receiver.wait_for(1).await?;
    let webhooks = webhooks.first().context("no webhook")?;
    let (event, at) = (webhooks.header("webhook-id"), &webhooks.json()["created"]);
    assert!(is_id("evt_", event), "{event}");
    assert_eq!(
        webhooks.text,
        format!(
            r#"{{"id":"{event}","object":"event","type":"payment.succeeded","created":{at},"data":{{"object":{payment}}}}}"#
        )
    );
    assert_eq!(
        (webhooks.path.as_str(), receiver.requests().len()),
        ("/hook", 1)
    );
    assert_eq!(gateway.acquirer_did(id)?, ["approved", "captured"]);
    let records = gateway.sandbox_log()?;
    let amounts = records
        .iter()
        .map(|record| (record.amount.as_deref(), record.currency.as_deref()));
    assert!(
        amounts
            .clone()
            .all(|amount| amount == (Some("50.00"), Some("USD"))),
        "{records:?}"
    );
    gateway.finish().await
}

#[tokio::test]
async fn the_four_test_cards_do_what_the_document_says() -> Result<()> {
    let gateway = Gateway::start().await?;
    let receiver = Receiver::start().await?;
    gateway.register("/v1/webhooks", &receiver.url("/")).await?;
    for (card, status, code) in [
        ("4242424242424242", "succeeded", ""),
        ("4000000000000002", "failed", "card_declined"),
        ("4000000000009995", "failed", "insufficient_funds"),
        ("4000000000000069", "failed", "expired_card"),
    ] {
        let paid = gateway.pay(card).await?;
        let found = (paid.status, paid.at("/status"), paid.at("/failure_code"));
        assert_eq!(found, (200, status, code), "{card}");
        assert_eq!(
            paid.at("/failure_message").is_empty(),
            code.is_empty(),
            "{card}"
        );
        let read = gateway
            .get(&format!("/v1/payments/{}", paid.at("/id")))
            .await?;
        assert_eq!(read.text, paid.text, "{card}");
        let did = gateway.acquirer_did(paid.at("/id"))?;
        let expected: &[&str] = if code.is_empty() {
            &["approved", "captured"]
        } else {
            &["declined"]
        };
        assert_eq!(did, expected, "{card}");
    }
    gateway.drain().await?;
    let mut kinds: Vec<String> = receiver
        .requests()
        .iter()
        .map(|request| {
            format!(
                "{} {}",
                request.json()["type"],
                request.json()["data"]["object"]["status"]
            )
        })
        .collect();
    kinds.sort();
    let failed = r#""payment.failed" "failed""#;
    assert_eq!(
        kinds,
        [failed, failed, failed, r#""payment.succeeded" "succeeded""#]
    );
    gateway.finish().await
}

#[tokio::test]
async fn a_payment_without_a_card_expires_after_a_day() -> Result<()> {
    let gateway = Gateway::start().await?;
    let receiver = Receiver::start().await?;
    gateway.register("/v1/webhooks", &receiver.url("/")).await?;
    // The document's Node example.
    let body = json!({
        "amount": 5000, "currency": "USD", "payment_method": "card",
        "customer": {"email": "customer@example.com"}
    });
    let opened = gateway.post("/v1/payments", &body).await?;
    assert_eq!((opened.status, opened.at("/status")), (200, "pending"));
    let path = format!("/v1/payments/{}", opened.at("/id"));

    gateway.advance(23 * HOUR).await?;
    gateway.drain().await?;
    assert_eq!(gateway.get(&path).await?.text, opened.text);
    assert_eq!(receiver.requests().len(), 0);

    gateway.advance(HOUR).await?;
    let webhooks = receiver.wait_for(1).await?;
    let webhooks = webhooks.first().context("no webhook")?.json();
    let expired = gateway.get(&path).await?;
    assert_eq!(
        (expired.at("/status"), expired.at("/failure_code")),
        ("failed", "payment_expired")
    );
    assert_eq!(
        (&webhooks["type"], &webhooks["data"]["object"]),
        (&json!("payment.failed"), &expired.body)
    );
    assert_eq!(gateway.sandbox_log()?.len(), 0);
    gateway.finish().await
}

#[tokio::test]
async fn one_email_address_is_one_customer_of_a_merchant() -> Result<()> {
    let gateway = Gateway::start().await?;
    let with = |email: Value| {
        let mut body = example(cards::APPROVED);
        body["customer"]["email"] = email;
        body
    };
    let id = |answer: &Response| answer.at("/customer/id").to_owned();
    // Concurrently, so that none is first.
    let bodies: Vec<Value> = (0..20).map(|_| with(json!("new@example.com"))).collect();
    let answers =
        try_join_all(bodies.iter().map(|body| gateway.post("/v1/payments", body))).await?;
    let first = answers.first().map(id).context("no answer")?;
    assert!(is_id("cus_", &first), "{first}");
    let others: Vec<_> = answers
        .iter()
        .filter(|answer| id(answer) != first)
        .collect();
    assert!(others.is_empty(), "{first}: {others:#?}");
    let shouted = gateway
        .post("/v1/payments", &with(json!("NEW@example.com")))
        .await?;
    assert_eq!(id(&shouted), first);

    let other = gateway
        .post("/v1/payments", &with(json!("other@example.com")))
        .await?;
    assert_ne!(id(&other), first);
    let nameless = gateway.post("/v1/payments", &with(Value::Null)).await?;
    let again = gateway.post("/v1/payments", &with(Value::Null)).await?;
    assert!(is_id("cus_", &id(&nameless)));
    assert_ne!(id(&nameless), id(&again));

    let theirs = gateway
        .request(Method::POST, "/v1/payments")
        .bearer_auth(gateway.other_merchant.test_key.as_str())
        .json(&with(json!("new@example.com")));
    let theirs = gateway.send(theirs).await?;
    assert!(is_id("cus_", &id(&theirs)));
    assert_ne!(id(&theirs), first);
    gateway.finish().await
}
