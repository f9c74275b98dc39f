//! Idempotency-Key: done once, with the same response.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Process, Response, cards, example, run_cases};

async fn keyed(gateway: &Gateway, key: &str, body: &Value) -> Result<Response> {
    let request = gateway.posting("/v1/payments", body);
    gateway.send(request.header("Idempotency-Key", key)).await
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        the_same_request_creates_one_payment,
        another_request_under_the_same_key_has_no_effect,
        fifty_concurrent_requests_create_one_payment,
        a_key_lives_for_a_day,
        a_key_belongs_to_its_merchant,
        a_key_is_free_after_a_refusal,
    )
}

async fn the_same_request_creates_one_payment(gateway: &Gateway) -> Result<()> {
    for card in [cards::APPROVED, cards::DECLINED] {
        let first = keyed(gateway, card.trim_start_matches('4'), &example(card)).await?;
        assert_eq!(
            (first.status, first.header("idempotent-replayed")),
            (200, "")
        );
        // Another security code and another order of fields make no other request.
        let mut same = example(card);
        same["card"]["cvc"] = json!("999");
        for body in [example(card), same] {
            let again = keyed(gateway, card.trim_start_matches('4'), &body).await?;
            assert_eq!(
                (again.status, again.header("idempotent-replayed")),
                (200, "true")
            );
            assert_eq!(again.text, first.text);
        }
    }
    assert_eq!(gateway.count("payments").await?, 2);
    assert_eq!(gateway.sandbox_log()?.len(), 3);
    Ok(())
}

async fn another_request_under_the_same_key_has_no_effect(gateway: &Gateway) -> Result<()> {
    let first = keyed(gateway, "order-1", &example(cards::APPROVED)).await?;
    for (pointer, value) in [
        ("/amount", json!(5001)),
        ("/currency", json!("EUR")),
        ("/card/number", json!(cards::APPROVED_MASTERCARD)),
        ("/card/exp_year", json!(2031)),
        ("/description", json!("Order #12346")),
        ("/customer/email", json!("other@example.com")),
    ] {
        let mut other = example(cards::APPROVED);
        *other.pointer_mut(pointer).context("a field")? = value;
        let refused = keyed(gateway, "order-1", &other).await?;
        let found = (
            refused.status,
            refused.at("/error/code"),
            refused.at("/error/type"),
        );
        let expected = (409, "idempotency_key_reused", "invalid_request_error");
        assert_eq!(found, expected, "{pointer}");
    }
    let again = keyed(gateway, "order-1", &example(cards::APPROVED)).await?;
    assert_eq!(again.text, first.text);
    assert_eq!(gateway.count("payments").await?, 1);
    assert_eq!(gateway.sandbox_log()?.len(), 2);
    Ok(())
}

async fn fifty_concurrent_requests_create_one_payment(gateway: &Gateway) -> Result<()> {
    let body = example(cards::APPROVED);
    let answers = try_join_all((0..50).map(|_| keyed(gateway, "rush", &body))).await?;
    let first = answers.first().context("no answer")?;
    assert_eq!((first.status, first.at("/status")), (200, "succeeded"));
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 200 && answer.text == first.text)
    );
    let new = |answer: &&Response| answer.header("idempotent-replayed").is_empty();
    assert_eq!(answers.iter().filter(new).count(), 1);
    assert_eq!(gateway.count("payments").await?, 1);

    // Two requests race for one key: one wins, and only requests like it get its response.
    let mut other = example(cards::APPROVED);
    other["amount"] = json!(7000);
    let bodies = (0..50).map(|number| if number % 2 == 0 { &body } else { &other });
    let answers = try_join_all(bodies.map(|body| keyed(gateway, "race", body))).await?;
    let of = |status| answers.iter().filter(move |answer| answer.status == status);
    assert_eq!((of(200).count(), of(409).count()), (25, 25));
    let won = of(200).next().context("no answer")?;
    assert!(of(200).all(|answer| answer.text == won.text));
    assert_eq!(gateway.count("payments").await?, 2);
    assert_eq!(gateway.sandbox_log()?.len(), 4);
    Ok(())
}

async fn a_key_lives_for_a_day(gateway: &Gateway) -> Result<()> {
    let first = gateway.pay_with_key(cards::APPROVED, "daily").await?;
    gateway.advance(Duration::from_mins(24 * 60 - 1)).await?;
    let same = gateway.pay_with_key(cards::APPROVED, "daily").await?;
    assert_eq!(
        (&same.text, same.header("idempotent-replayed")),
        (&first.text, "true")
    );
    gateway.advance(Duration::from_secs(61)).await?;
    let answers =
        try_join_all((0..10).map(|_| gateway.pay_with_key(cards::APPROVED, "daily"))).await?;
    let new = answers.first().context("no answer")?;
    assert_eq!((new.status, new.at("/status")), (200, "succeeded"));
    assert_ne!(new.at("/id"), first.at("/id"));
    assert!(answers.iter().all(|answer| answer.text == new.text));
    assert_eq!(gateway.count("payments").await?, 2);
    Ok(())
}

async fn a_key_belongs_to_its_merchant(gateway: &Gateway) -> Result<()> {
    let ours = gateway.pay_with_key(cards::APPROVED, "shared").await?;
    let theirs = gateway
        .request(Method::POST, "/v1/payments")
        .bearer_auth(gateway.other_merchant.test_key.as_str())
        .header("Idempotency-Key", "shared")
        .json(&example(cards::APPROVED));
    let theirs = gateway.send(theirs).await?;
    assert_eq!(
        (theirs.status, theirs.header("idempotent-replayed")),
        (200, "")
    );
    assert_ne!(theirs.at("/id"), ours.at("/id"));
    assert_eq!(gateway.count("payments").await?, 2);
    Ok(())
}

/// A refused request does not use up its key.
async fn a_key_is_free_after_a_refusal(gateway: &Gateway) -> Result<()> {
    let mut wrong = example(cards::APPROVED);
    wrong["amount"] = json!(49);
    assert_eq!(keyed(gateway, "corrected", &wrong).await?.status, 400);
    let right = keyed(gateway, "corrected", &example(cards::APPROVED)).await?;
    assert_eq!(
        (right.status, right.header("idempotent-replayed")),
        (200, "")
    );
    Ok(())
}

/// The requests wait for the first one inside the process: only that one uses a connection of the small
/// pool, besides the one that counts requests.
#[tokio::test]
async fn many_requests_with_one_key_need_one_connection() -> Result<()> {
    let gateway = Gateway::start().await?;
    gateway.set(
        Process::SecondApi,
        "SLUICE_DATABASE_CONNECTIONS",
        "3".to_owned(),
    );
    gateway.launch(&[Process::SecondApi]).await?;
    let paid = gateway.pay(cards::APPROVED).await?;
    let refunds = format!("/v1/payments/{}/refund", paid.at("/id"));
    let intent = json!({ "amount": "5.00", "currency": "USD", "type": "DELIVERY_VS_PAYMENT" });
    let endpoint = json!({ "url": "https://example.com/hook", "events": ["*"] });
    for (path, body, count) in [
        ("/v1/payments", example(cards::APPROVED), 200),
        (&refunds, json!({ "amount": 100 }), 50),
        ("/v1/customers", json!({ "email": "ada@example.com" }), 50),
        ("/v1/webhooks", endpoint, 50),
        ("/v1/payment-intents", intent, 50),
    ] {
        let ask = |_| {
            let request = gateway.request_to(Process::SecondApi, Method::POST, path);
            let request = request.bearer_auth(gateway.merchant.test_key.as_str());
            gateway.send(request.header("Idempotency-Key", path).json(&body))
        };
        let answers = try_join_all((0..count).map(ask)).await?;
        let first = answers.first().context("no answer")?;
        assert!([200, 201].contains(&first.status), "{path}: {}", first.text);
        for answer in &answers {
            assert_eq!(
                (answer.status, &answer.text),
                (first.status, &first.text),
                "{path}"
            );
        }
        let new = |answer: &&Response| answer.header("idempotent-replayed").is_empty();
        assert_eq!(answers.iter().filter(new).count(), 1, "{path}");
    }
    assert_eq!(gateway.count("payments").await?, 2);

    // fourgeeks answers a repeated request with 409 and what the first one created.
    let hosted = json!({
        "amount": "5.00", "currency": "USD", "description": "A plan", "items": ["A plan"],
        "return_url": "https://example.com/",
    });
    let ask = |_| {
        let request = gateway.request_to(Process::SecondApi, Method::POST, "/v1/payments/");
        let request = request.basic_auth(gateway.merchant.test_key.as_str(), Some(""));
        gateway.send(request.header("Idempotency-Key", "hosted").json(&hosted))
    };
    let answers = try_join_all((0..100).map(ask)).await?;
    let of = |status| answers.iter().filter(move |answer| answer.status == status);
    assert_eq!((of(202).count(), of(409).count()), (1, 99));
    let id = of(202)
        .next()
        .context("none is new")?
        .at("/data/id_payment");
    assert!(!id.is_empty() && of(409).all(|answer| answer.at("/data/id_payment") == id));
    assert_eq!(gateway.count("payments").await?, 3);
    gateway.finish().await
}
