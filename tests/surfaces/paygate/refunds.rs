//! Refunds.

use anyhow::{Context, Result};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Receiver, Response, cards, example, run_cases};

use crate::plain::plain;
use crate::{check_error, expect_error, refusal};

async fn refund(gateway: &Gateway, payment: &str, body: &Value) -> Result<Response> {
    gateway
        .post(&format!("/v1/payments/{payment}/refund"), body)
        .await
}

/// The objects of webhooks, ordered by their ids.
fn objects(webhooks: &[tests::Request]) -> Vec<Value> {
    let object = |event: &tests::Request| event.json()["data"]["object"].clone();
    let mut objects: Vec<Value> = webhooks.iter().map(object).collect();
    objects.sort_by_key(|object| object["id"].to_string());
    objects
}

async fn read(gateway: &Gateway, payment: &str) -> Result<Response> {
    gateway.get(&format!("/v1/payments/{payment}")).await
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_payment_is_refunded_in_parts,
        a_payment_without_a_capture_is_not_refundable,
        payments_of_others_are_not_refunded,
        a_wrong_refund_is_named_and_changes_nothing,
        concurrent_refunds_never_exceed_the_payment,
        one_key_creates_one_refund,
        a_refused_refund_fails_and_reserves_nothing,
        the_body_may_be_omitted,
        refunds_are_read_and_listed,
    )
}

/// The document's example, then the rest, then nothing is left.
async fn a_payment_is_refunded_in_parts(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let asked = json!({"url": receiver.url("/"), "events": ["refund.created"]});
    gateway.register_as("/v1/webhooks", &asked).await?;
    let paid = gateway.pay(cards::APPROVED).await?;
    let id = paid.at("/id");

    let example = json!({"amount": 2500, "reason": "customer_request"});
    let part = refund(gateway, id, &example).await?;
    let printed = r#"{"id":"ref_…","object":"refund","payment_id":"pay_…","amount":2500,"currency":"USD","status":"succeeded","reason":"customer_request","created":…}"#;
    assert_eq!((part.status, plain(&part.text).as_str()), (200, printed));
    assert_eq!(part.at("/payment_id"), id);
    let half = read(gateway, id).await?;
    assert_eq!(half.at("/status"), "succeeded");
    assert_eq!(half.body["amount_refunded"], json!(2500));

    let rest = refund(gateway, id, &json!({})).await?;
    let printed = r#"{"id":"ref_…","object":"refund","payment_id":"pay_…","amount":2500,"currency":"USD","status":"succeeded","created":…}"#;
    assert_eq!((rest.status, plain(&rest.text).as_str()), (200, printed));
    let whole = read(gateway, id).await?;
    assert_eq!(whole.at("/status"), "succeeded");
    assert_eq!(whole.body["amount_refunded"], json!(5000));

    let too_large = refusal(400, "amount_too_large", "amount");
    for body in [json!({}), json!({"amount": 1})] {
        let again = gateway.posting(&format!("/v1/payments/{id}/refund"), &body);
        expect_error(gateway, again, &too_large).await?;
    }

    gateway.drain().await?;
    let webhooks = receiver.requests();
    assert_eq!(objects(&webhooks), [part.body, rest.body]);
    assert!(
        webhooks
            .iter()
            .all(|event| event.json()["type"] == "refund.created")
    );
    Ok(())
}

async fn a_payment_without_a_capture_is_not_refundable(gateway: &Gateway) -> Result<()> {
    let mut without_card = example(cards::APPROVED);
    without_card
        .as_object_mut()
        .context("an object")?
        .remove("card");
    let open = gateway.post("/v1/payments", &without_card).await?;
    let declined = gateway.pay(cards::DECLINED).await?;
    for payment in [open, declined] {
        let path = format!("/v1/payments/{}/refund", payment.at("/id"));
        let expected = refusal(400, "payment_not_refundable", "");
        expect_error(gateway, gateway.posting(&path, &json!({})), &expected).await?;
    }
    Ok(())
}

async fn payments_of_others_are_not_refunded(gateway: &Gateway) -> Result<()> {
    let paid = gateway.pay(cards::APPROVED).await?;
    let path = format!("/v1/payments/{}/refund", paid.at("/id"));
    let missing = refusal(404, "resource_missing", "");
    for unknown in [
        "pay_0000000000000000000001",
        "pay_1",
        "ref_0000000000000000000001",
        cards::APPROVED,
        "%ff",
    ] {
        let unknown = format!("/v1/payments/{unknown}/refund");
        expect_error(gateway, gateway.posting(&unknown, &json!({})), &missing).await?;
    }
    let theirs = gateway
        .request(Method::POST, &path)
        .bearer_auth(gateway.other_merchant.test_key.as_str())
        .json(&json!({}));
    expect_error(gateway, theirs, &missing).await?;
    let live = gateway
        .request(Method::POST, &path)
        .bearer_auth(gateway.merchant.live_key.as_str())
        .json(&json!({}));
    expect_error(gateway, live, &missing).await?;
    let keyless = gateway.request(Method::POST, &path).json(&json!({}));
    expect_error(gateway, keyless, &refusal(401, "missing_api_key", "")).await?;
    assert_eq!(read(gateway, paid.at("/id")).await?.text, paid.text);
    Ok(())
}

async fn a_wrong_refund_is_named_and_changes_nothing(gateway: &Gateway) -> Result<()> {
    let paid = gateway.pay(cards::APPROVED).await?;
    let path = format!("/v1/payments/{}/refund", paid.at("/id"));
    for (body, code, param) in [
        (json!({"amount": 5001}), "amount_too_large", "amount"),
        (json!({"amount": u64::MAX}), "amount_too_large", "amount"),
        (json!({"amount": 0}), "amount_too_small", "amount"),
        (json!({"amount": "2500"}), "parameter_invalid", "amount"),
        (
            json!({"reason": format!("card {}", cards::APPROVED)}),
            "card_number_misplaced",
            "reason",
        ),
        (json!({"currency": "USD"}), "parameter_unknown", "currency"),
        (json!([]), "body_invalid", ""),
    ] {
        let request = gateway.posting(&path, &body);
        let expected = refusal(400, code, param);
        let answer = expect_error(gateway, request, &expected).await;
        answer.with_context(|| body.to_string())?;
    }
    assert_eq!(read(gateway, paid.at("/id")).await?.text, paid.text);
    assert_eq!(
        gateway.acquirer_did(paid.at("/id"))?,
        ["approved", "captured"]
    );
    Ok(())
}

/// However many requests are concurrent, no more is refunded than was paid.
async fn concurrent_refunds_never_exceed_the_payment(gateway: &Gateway) -> Result<()> {
    let paid = gateway.pay(cards::APPROVED).await?;
    let id = paid.at("/id");
    let body = json!({"amount": 1000});
    let answers = try_join_all((0..40).map(|_| refund(gateway, id, &body))).await?;
    let of = |status| answers.iter().filter(move |answer| answer.status == status);
    assert_eq!((of(200).count(), of(400).count()), (5, 35));
    assert!(of(200).all(|answer| answer.at("/status") == "succeeded"));
    for answer in of(400) {
        check_error(answer)?;
        assert_eq!(answer.at("/error/code"), "amount_too_large");
    }
    assert_eq!(
        read(gateway, id).await?.body["amount_refunded"],
        json!(5000)
    );

    let paid = gateway.pay(cards::APPROVED).await?;
    let all = json!({});
    let answers = try_join_all((0..8).map(|_| refund(gateway, paid.at("/id"), &all))).await?;
    let done = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(done.count(), 1);
    Ok(())
}

async fn one_key_creates_one_refund(gateway: &Gateway) -> Result<()> {
    let paid = gateway.pay(cards::APPROVED).await?;
    let path = format!("/v1/payments/{}/refund", paid.at("/id"));
    let keyed = |body: &Value| {
        let request = gateway.posting(&path, body);
        gateway.send(request.header("Idempotency-Key", "refund-1"))
    };
    let body = json!({"amount": 1000});
    let answers = try_join_all((0..10).map(|_| keyed(&body))).await?;
    let first = answers.first().context("no answer")?;
    assert_eq!((first.status, first.at("/status")), (200, "succeeded"));
    assert!(answers.iter().all(|answer| answer.text == first.text));
    let new = |answer: &&Response| answer.header("idempotent-replayed").is_empty();
    assert_eq!(answers.iter().filter(new).count(), 1);
    let other = keyed(&json!({"amount": 1001})).await?;
    assert_eq!(
        (other.status, other.at("/error/code")),
        (409, "idempotency_key_reused")
    );
    let payment = gateway.pay_with_key(cards::APPROVED, "refund-1").await?;
    assert_eq!(
        (payment.status, payment.at("/error/code")),
        (409, "idempotency_key_reused")
    );
    let read = read(gateway, paid.at("/id")).await?;
    assert_eq!(read.body["amount_refunded"], json!(1000));
    Ok(())
}

/// A refund that the acquirer refuses pays nothing, is notified, and may be requested again.
async fn a_refused_refund_fails_and_reserves_nothing(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let asked = json!({"url": receiver.url("/"), "events": ["refund.created"]});
    gateway.register_as("/v1/webhooks", &asked).await?;
    let paid = gateway.pay(cards::UNREFUNDABLE).await?;
    let id = paid.at("/id");
    let mut refused = Vec::new();
    for body in [json!({}), json!({"amount": 5000})] {
        let answer = refund(gateway, id, &body).await?;
        assert_eq!((answer.status, answer.at("/status")), (200, "failed"));
        assert_eq!(answer.body["amount"], json!(5000));
        assert_eq!(read(gateway, id).await?.text, paid.text);
        refused.push(answer.body);
    }
    gateway.drain().await?;
    assert_eq!(objects(&receiver.requests()), refused);
    Ok(())
}

/// Without a body the whole payment is refunded.
async fn the_body_may_be_omitted(gateway: &Gateway) -> Result<()> {
    let key = gateway.merchant.test_key.as_str();
    for (version, media) in [
        ("/v1", ""),
        ("/v1", "application/json"),
        ("/v1", "application/x-www-form-urlencoded"),
        ("/v2", ""),
        ("/v2", "application/json"),
    ] {
        let paid = gateway.pay(cards::APPROVED).await?;
        let path = format!("{version}/payments/{}/refund", paid.at("/id"));
        let bare = gateway.request(Method::POST, &path).bearer_auth(key);
        // Programs that post nothing name a type of it all the same, and not always the right one.
        let answer = match media {
            "" => gateway.send(bare).await?,
            media => gateway.send(bare.header("Content-Type", media)).await?,
        };
        assert_eq!(answer.status, 200, "{media}: {}", answer.text);
        let read = read(gateway, paid.at("/id")).await?;
        assert_eq!(read.body["amount_refunded"], json!(5000));
    }
    Ok(())
}

async fn refunds_are_read_and_listed(gateway: &Gateway) -> Result<()> {
    let mut made = Vec::new();
    for (card, amount) in [
        (cards::APPROVED, 100),
        (cards::APPROVED, 200),
        (cards::UNREFUNDABLE, 300),
    ] {
        let paid = gateway.pay(card).await?;
        let refund = refund(gateway, paid.at("/id"), &json!({"amount": amount})).await?;
        let read = gateway
            .get(&format!("/v1/refunds/{}", refund.at("/id")))
            .await?;
        assert_eq!((read.status, &read.text), (200, &refund.text));
        made.insert(0, refund.body);
    }
    let last = made.first().context("a refund")?["id"].clone();
    let last = last.as_str().context("an id")?;
    for (query, range, has_more) in [
        (String::new(), 0..3, false),
        ("?limit=2".to_owned(), 0..2, true),
        ("?limit=2&offset=2".to_owned(), 2..3, false),
        (format!("?limit=1&starting_after={last}"), 1..2, true),
    ] {
        let page = gateway.get(&format!("/v1/refunds{query}")).await?;
        let expected = made.get(range).context("a range")?;
        assert_eq!((page.status, &page.body["data"]), (200, &json!(expected)));
        assert_eq!(page.body["has_more"], json!(has_more), "{query}");
    }
    let missing = refusal(404, "resource_missing", "");
    for id in [last, "ref_0000000000000000000001", "ref_1", "pay_1"] {
        let theirs = gateway.request(Method::GET, &format!("/v1/refunds/{id}"));
        let theirs = theirs.bearer_auth(gateway.other_merchant.test_key.as_str());
        expect_error(gateway, theirs, &missing).await?;
    }
    Ok(())
}
