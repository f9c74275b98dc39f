//! One gateway, two languages: what is made on one surface reads rightly on the other.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Endpoint, Gateway, Receiver, cards, run_cases};

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_payment_is_one_payment_on_both,
        a_customer_is_one_customer_on_both,
        a_refund_is_notified_on_both,
        an_endpoint_has_each_surfaces_format,
        an_intents_payment_is_in_no_list_of_payments,
        fourgeeks_reads_the_same_payment,
        fourgeeks_payments_are_read_everywhere,
    )
}

async fn a_payment_is_one_payment_on_both(gateway: &Gateway) -> Result<()> {
    let theirs = json!({
        "amount": {"value": 5000, "currency": "JPY"},
        "payment_method": {
            "type": "card",
            "card": {"number": cards::APPROVED, "exp_month": 12, "exp_year": 2024, "cvc": "123"}
        },
        "metadata": {"order_id": "order_123"}
    });
    let v2 = gateway.post("/v2/payments", &theirs).await?;
    let v1 = gateway
        .get(&format!("/v1/payments/{}", v2.at("/id")))
        .await?;
    let expected = json!({
        "id": v2.body["id"], "status": "succeeded", "amount": 5000, "currency": "JPY",
        "created": v1.body["created"], "metadata": {"order_id": "order_123"}
    });
    assert_eq!((v1.status, &v1.body), (200, &expected));

    let made = gateway.pay(cards::APPROVED).await?;
    let read = gateway
        .get(&format!("/v2/payments/{}", made.at("/id")))
        .await?;
    assert_eq!(
        read.body["amount"],
        json!({"value": 5000, "currency": "USD"})
    );
    assert_eq!(read.body["payment_method"]["card"]["last4"], json!("4242"));

    // Given back on one, seen on the other.
    let path = format!("/v2/payments/{}/refund", made.at("/id"));
    let refund = gateway
        .post(&path, &json!({"amount": {"value": 2500}}))
        .await?;
    assert_eq!(refund.status, 200, "{}", refund.text);
    let read = gateway
        .get(&format!("/v1/payments/{}", made.at("/id")))
        .await?;
    assert_eq!(read.body["amount_refunded"], json!(2500));
    let path = format!("/v1/payments/{}/refund", v2.at("/id"));
    let refund = gateway.post(&path, &json!({})).await?;
    assert_eq!(
        (&refund.body["amount"], &refund.body["currency"]),
        (&json!(5000), &json!("JPY"))
    );

    let ids = |list: &Value| -> Result<Vec<Value>> {
        let data = list["data"].as_array().context("no list")?;
        Ok(data.iter().map(|payment| payment["id"].clone()).collect())
    };
    let (v1, v2) = (
        gateway.get("/v1/transactions").await?,
        gateway.get("/v2/payments").await?,
    );
    assert_eq!(ids(&v1.body)?, ids(&v2.body)?);
    Ok(())
}

async fn a_customer_is_one_customer_on_both(gateway: &Gateway) -> Result<()> {
    let body = json!({"email": "ada@example.com", "name": "Ada"});
    let v2 = gateway.post("/v2/customers", &body).await?;
    let v1 = gateway
        .post("/v1/customers", &json!({"email": "ada@example.com"}))
        .await?;
    assert_eq!(v1.at("/id"), v2.at("/id").replace("cust_", "cus_"));
    assert_eq!(v1.at("/name"), "Ada");
    for (path, id) in [
        ("/v1/customers", v2.at("/id")),
        ("/v2/customers", v1.at("/id")),
    ] {
        let read = gateway.get(&format!("{path}/{id}")).await?;
        assert_eq!(
            (read.status, read.at("/email")),
            (200, "ada@example.com"),
            "{path}"
        );
    }
    Ok(())
}

/// One event, in each endpoint's format.
async fn a_refund_is_notified_on_both(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    for (path, event, name) in [
        ("/v1/webhooks", "refund.created", "/one"),
        ("/v2/webhooks", "payment.refunded", "/two"),
    ] {
        let asked = json!({"url": receiver.url(name), "events": [event]});
        gateway.register_as(path, &asked).await?;
    }
    let paid = gateway.pay(cards::APPROVED).await?;
    let path = format!("/v1/payments/{}/refund", paid.at("/id"));
    let refund = gateway.post(&path, &json!({"amount": 2500})).await?;
    gateway.drain().await?;
    let mut webhooks = receiver.wait_for(2).await?;
    webhooks.sort_by_key(|request| request.path.clone());
    let [one, two] = webhooks.as_slice() else {
        anyhow::bail!("{} webhooks", webhooks.len());
    };
    assert_eq!(one.header("webhook-id"), two.header("webhook-id"));
    assert_eq!(one.json()["type"], "refund.created");
    assert_eq!(one.json()["data"]["object"], refund.body);
    assert_eq!(two.json()["type"], "payment.refunded");
    let object = &two.json()["data"]["object"];
    assert_eq!(object["id"], refund.body["id"]);
    assert_eq!(object["amount"], json!({"value": 2500, "currency": "USD"}));
    Ok(())
}

async fn an_endpoint_has_each_surfaces_format(gateway: &Gateway) -> Result<()> {
    let asked = json!({
        "url": "https://example.com/hook", "events": ["payment.succeeded"],
        "metadata": {"team": "books"}, "signature": "v1a"
    });
    for path in [
        "/v1/webhooks",
        "/api/v1/webhooks",
        "/v2/webhooks",
        "/api/v2/webhooks",
    ] {
        let answer = gateway.post(path, &asked).await?;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert!(answer.at("/id").starts_with("whk_") && answer.at("/secret").starts_with("whsec_"));
        assert!(answer.at("/public_key").starts_with("whpk_"));
        let found = (
            &answer.body["url"],
            &answer.body["events"],
            &answer.body["metadata"],
        );
        assert_eq!(found, (&asked["url"], &asked["events"], &asked["metadata"]));
        assert_eq!(answer.at("/status"), "active");
        let is_iso = answer.at("/created_at").ends_with('Z');
        assert_eq!(
            (is_iso, answer.body["created"].is_i64()),
            (path.contains("/v2/"), path.contains("/v1/"))
        );
    }
    // By default an endpoint receives every event, signed as v1.
    let Endpoint { public_key, .. } = gateway
        .register_as("/v2/webhooks", &json!({"url": "https://example.com/"}))
        .await?;
    assert_eq!(public_key, None);
    Ok(())
}

/// An intent is paid by a payment of its own, which counts once: as the intent's.
async fn an_intents_payment_is_in_no_list_of_payments(gateway: &Gateway) -> Result<()> {
    let asked = json!({"amount": "50.00", "currency": "USD", "type": "CONDITIONAL"});
    let intent = gateway.post("/v1/payment-intents", &asked).await?;
    let path = format!("/v1/payment-intents/public/{}/payment", intent.at("/id"));
    let card = json!({
        "cardNumber": cards::APPROVED, "expiry": "12/25", "cvv": "123", "name": "John Doe"
    });
    let paid = gateway.post(&path, &json!({"card": card})).await?;
    assert_eq!(
        (paid.status, paid.at("/status")),
        (200, "SUCCEEDED"),
        "{}",
        paid.text
    );
    let payments = gateway.payments().await?.into_iter();
    let mut of = payments.filter(|one| one.intent.as_deref() == Some(intent.at("/id")));
    let id = of.next().context("no payment")?.id;
    for path in [format!("/v1/payments/{id}"), format!("/v2/payments/{id}")] {
        assert_eq!(gateway.get(&path).await?.status, 404, "{path}");
        let refund = gateway.post(&format!("{path}/refund"), &json!({})).await?;
        assert_eq!(refund.status, 404, "{path}");
    }
    for path in ["/v1/transactions", "/v2/payments"] {
        assert_eq!(gateway.get(path).await?.body["data"], json!([]), "{path}");
    }
    Ok(())
}

/// Minor units here, decimal strings there: one amount.
async fn fourgeeks_reads_the_same_payment(gateway: &Gateway) -> Result<()> {
    let mut body = tests::example(cards::APPROVED);
    for (currency, amount, read) in [
        ("USD", 5000, "50.00"),
        ("JPY", 5000, "5000"),
        ("KWD", 5000, "5.000"),
    ] {
        body["currency"] = json!(currency);
        body["amount"] = json!(amount);
        let paid = gateway.post("/v1/payments", &body).await?;
        let there = gateway.request(Method::GET, &format!("/v1/payments/{}", paid.at("/id")));
        let key = gateway.merchant.test_key.as_str();
        let there = gateway.send(there.basic_auth(key, Some(""))).await?;
        let found = (
            there.status,
            there.at("/id"),
            there.at("/amount"),
            there.at("/status"),
        );
        assert_eq!(found, (200, paid.at("/id"), read, "completed"));
    }
    Ok(())
}

/// What fourgeeks makes is read on the other surfaces, and what they give back is read there.
async fn fourgeeks_payments_are_read_everywhere(gateway: &Gateway) -> Result<()> {
    let ask = async |method, path: &str, body: Option<Value>| {
        let request = gateway.request(method, path);
        let request = request.basic_auth(gateway.merchant.test_key.as_str(), Some(""));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        gateway.send(request).await
    };
    let asked = json!({
        "amount": "500.00", "description": "Premium", "currency": "USD", "items": ["Premium"],
        "return_url": "https://example.com/payment-result"
    });
    let made = ask(Method::POST, "/v1/payments/", Some(asked)).await?;
    let id = made.at("/data/id_payment");
    let v1 = gateway.get(&format!("/v1/payments/{id}")).await?;
    let found = (v1.at("/id"), v1.at("/status"), &v1.body["amount"]);
    assert_eq!(found, (id, "pending", &json!(50_000)), "{}", v1.text);
    let v2 = gateway.get(&format!("/v2/payments/{id}")).await?;
    let amount = json!({"value": 50_000, "currency": "USD"});
    assert_eq!((v2.at("/status"), &v2.body["amount"]), ("pending", &amount));

    let paid = gateway.pay(cards::APPROVED).await?;
    let path = format!("/v1/payments/{}/refund", paid.at("/id"));
    let refund = gateway.post(&path, &json!({"amount": 2500})).await?;
    let there = ask(
        Method::GET,
        &format!("/v1/refunds/{}", refund.at("/id")),
        None,
    )
    .await?;
    let found = (
        there.at("/payment_id"),
        &there.body["amount"],
        there.at("/status"),
    );
    assert_eq!(found, (paid.at("/id"), &json!(2500), "succeeded"));

    let v2 = gateway
        .post("/v2/customers", &json!({"email": "ada@example.com"}))
        .await?;
    let path = format!("/v1/customers/{}", v2.at("/id"));
    let there = ask(Method::GET, &path, None).await?;
    assert_eq!(there.at("/id"), v2.at("/id").replace("cust_", "cus_"));
    assert_eq!(there.at("/email"), "ada@example.com", "{}", there.text);
    Ok(())
}
