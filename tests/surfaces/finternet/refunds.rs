//! Refunding the payment of an intent. `cards` runs these cases.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Receiver, Response, cards};

use super::{INTENTS, at, charged, example, expect_error, get, intent, of, pay, post, wrong};

async fn refund(gateway: &Gateway, id: &str, body: &Value) -> Result<Response> {
    post(gateway, &at(id, "/refunds"), body).await
}

/// In parts, then the rest, then nothing is left. The intent keeps its status and phases.
pub async fn a_paid_intent_is_refunded_in_parts(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let hook = json!({"url": receiver.url("/"), "events": ["*"]});
    let id = intent(gateway, &example()).await?;
    let paid = pay(gateway, &id, cards::APPROVED).await?;
    gateway.drain().await?;
    gateway.register_as("/v1/webhooks", &hook).await?;
    gateway.register_as("/v2/webhooks", &hook).await?;
    post(gateway, "/v1/webhooks", &hook).await?;

    let part = json!({"amount": "25.50", "reason": "customer_request"});
    let part = refund(gateway, &id, &part).await?;
    let (own, created, updated) = (part.at("/id"), &part.body["created"], &part.body["updated"]);
    let printed = format!(
        r#"{{"id":"{own}","object":"refund","status":"SUCCEEDED","data":{{"id":"{own}","object":"refund","paymentIntentId":"{id}","status":"SUCCEEDED","amount":"25.50","currency":"USD","reason":"customer_request","created":{created},"updated":{updated}}},"created":{created},"updated":{updated}}}"#
    );
    assert_eq!((part.status, &part.text), (201, &printed));
    let shown = get(gateway, &at(&id, "")).await?;
    let mut expected = paid.body.clone();
    expected["data"]["amountRefunded"] = "25.50".into();
    for updated in ["/updated", "/data/updated"] {
        let now = shown.body.pointer(updated).and_then(Value::as_i64);
        assert!(now >= paid.body.pointer(updated).and_then(Value::as_i64));
        if let Some(updated) = expected.pointer_mut(updated) {
            *updated = now.into();
        }
    }
    assert_eq!(shown.body, expected);

    let bare = of(
        gateway,
        &gateway.merchant,
        Method::POST,
        &at(&id, "/refunds"),
    );
    let rest = gateway.send(bare).await?;
    let found = (rest.status, rest.at("/status"), rest.at("/data/amount"));
    assert_eq!(found, (201, "SUCCEEDED", "74.50"));
    let list = format!(
        r#"{{"object":"list","data":[{},{}],"has_more":false}}"#,
        rest.text, part.text
    );
    let all = get(gateway, &at(&id, "/refunds")).await?;
    assert_eq!((all.status, all.text), (200, list));
    let first = get(gateway, &at(&id, "/refunds?limit=1")).await?;
    assert_eq!(first.body["data"], json!([rest.body]));
    assert_eq!(first.body["has_more"], true);
    let path = at(&id, &format!("/refunds?starting_after={}", rest.at("/id")));
    let older = get(gateway, &path).await?;
    assert_eq!(older.body["data"], json!([part.body]));
    let public = gateway.request(Method::GET, &format!("{INTENTS}/public/{id}"));
    let public = gateway.send(public).await?;
    let found = (public.at("/status"), public.at("/data/amountRefunded"));
    assert_eq!(found, ("SUCCEEDED", "100.00"));
    let too_large = "Refunds may not add up to more than the payment's amount";
    let too_large = wrong("invalid_request", too_large, Some("amount"));
    for body in [json!({}), json!({"amount": "0.01"})] {
        let again = of(
            gateway,
            &gateway.merchant,
            Method::POST,
            &at(&id, "/refunds"),
        );
        expect_error(gateway, again.json(&body), 400, &too_large).await?;
    }
    let did = charged(gateway, &id).await?;
    assert_eq!(did, ["approved", "captured", "refunded", "refunded"]);
    let path = format!("{INTENTS}/account/ledger-entries?transactionType=REFUND");
    let entries = get(gateway, &path).await?;
    let amounts = ["/data/0", "/data/1"].map(|entry| {
        let of = entries.at(&format!("{entry}/paymentIntentId"));
        (of == id, entries.at(&format!("{entry}/amount")))
    });
    assert_eq!(amounts, [(true, "74.50"), (true, "25.50")]);
    gateway.drain().await?;
    assert_eq!(receiver.requests().len(), 0);
    Ok(())
}

/// Like the payment, the refund is the intent's own.
pub async fn an_intents_refund_is_on_no_other_surface(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    let paid = pay(gateway, &id, cards::APPROVED).await?;
    let made = refund(gateway, &id, &json!({"amount": "1.00"})).await?;
    let (key, own) = (gateway.merchant.test_key.as_str(), made.at("/id"));
    let payment = paid.at("/data/paymentProcessorTxId").replace("ch_", "pay_");
    let found = gateway.get(&format!("/v1/refunds/{own}")).await?;
    assert_eq!(found.status, 404, "{}", found.text);
    let list = gateway.get("/v1/refunds").await?;
    assert_eq!((list.status, &list.body["data"]), (200, &json!([])));
    let basic = |path: &str| gateway.request(Method::GET, path).basic_auth(key, Some(""));
    let found = gateway.send(basic(&format!("/v1/refunds/{own}"))).await?;
    assert_eq!(found.status, 404, "{}", found.text);
    let list = gateway.send(basic("/v1/refunds")).await?;
    let none = r#"{"items":[],"total_items":0,"limit":10,"offset":0}"#;
    assert_eq!((list.status, list.text.as_str()), (200, none));
    for version in ["v1", "v2"] {
        let path = format!("/{version}/payments/{payment}/refund");
        let refused = gateway.post(&path, &json!({})).await?;
        assert_eq!(refused.status, 404, "{}", refused.text);
    }
    Ok(())
}

pub async fn an_intent_that_is_not_paid_is_not_refunded(gateway: &Gateway) -> Result<()> {
    let initiated = intent(gateway, &example()).await?;
    let declined = intent(gateway, &example()).await?;
    pay(gateway, &declined, cards::DECLINED).await?;
    let canceled = intent(gateway, &example()).await?;
    post(gateway, &at(&canceled, "/cancel"), &json!({})).await?;
    for (id, status) in [
        (&initiated, "INITIATED"),
        (&declined, "REQUIRES_ACTION"),
        (&canceled, "CANCELED"),
    ] {
        let message = format!("Cannot refund payment intent in status: {status}");
        let expected = wrong("invalid_state_transition", &message, None);
        let refused = refund(gateway, id, &json!({})).await?;
        assert_eq!((refused.status, refused.text), (400, expected));
    }
    let paid = intent(gateway, &example()).await?;
    pay(gateway, &paid, cards::APPROVED).await?;
    let wrong_amount = refund(gateway, &paid, &json!({"amount": "1.005"})).await?;
    let found = (wrong_amount.status, wrong_amount.at("/error/param"));
    assert_eq!(found, (400, "amount"), "{}", wrong_amount.text);
    let path = at(&paid, "/refunds");
    for method in [Method::GET, Method::POST] {
        let theirs = of(gateway, &gateway.other_merchant, method, &path);
        assert_eq!(gateway.send(theirs).await?.status, 403);
    }
    let unknown = refund(gateway, "intent_0000000000000000000001", &json!({})).await?;
    assert_eq!(unknown.status, 404);
    let shown = get(gateway, &at(&paid, "")).await?;
    assert_eq!(shown.body["data"].get("amountRefunded"), None);
    Ok(())
}

pub async fn one_key_refunds_an_intent_once(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    pay(gateway, &id, cards::APPROVED).await?;
    let keyed = |amount: &str| {
        let request = of(
            gateway,
            &gateway.merchant,
            Method::POST,
            &at(&id, "/refunds"),
        );
        let request = request.header("Idempotency-Key", "refund-1");
        gateway.send(request.json(&json!({"amount": amount})))
    };
    let first = keyed("60.00").await?;
    let again = keyed("60.00").await?;
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = keyed("40.00").await?;
    let found = (other.status, other.at("/error/code"));
    assert_eq!(found, (400, "idempotency_key_reused"));
    let shown = get(gateway, &at(&id, "")).await?;
    assert_eq!(shown.at("/data/amountRefunded"), "60.00");
    Ok(())
}

pub async fn a_refused_refund_of_an_intent_reserves_nothing(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    let paid = pay(gateway, &id, cards::UNREFUNDABLE).await?;
    for _ in 0..2 {
        let refused = refund(gateway, &id, &json!({})).await?;
        let found = (
            refused.status,
            refused.at("/status"),
            refused.at("/data/amount"),
        );
        assert_eq!(found, (201, "FAILED", "100.00"));
    }
    let shown = get(gateway, &at(&id, "")).await?;
    assert_eq!(shown.body["data"].get("amountRefunded"), None);
    assert_eq!(shown.body["data"]["phases"], paid.body["data"]["phases"]);
    Ok(())
}
