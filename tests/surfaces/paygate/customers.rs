//! Customers: created, read, changed, listed, notified.

use anyhow::{Context, Result};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Receiver, cards, example, run_cases};

use super::send;
use crate::plain::plain;
use crate::{expect_error, refusal};

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_customer_is_created_read_and_changed,
        one_email_address_is_one_customer,
        only_ascii_letters_of_either_case_are_equal,
        wrong_customer_fields_are_named_and_nothing_is_stored,
        customers_of_others_are_not_found,
        customers_are_listed_in_pages,
        one_key_creates_one_customer,
        a_new_customer_of_a_payment_is_notified_once,
    )
}

async fn a_customer_is_created_read_and_changed(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let asked =
        json!({"url": receiver.url("/"), "events": ["customer.created", "customer.updated"]});
    gateway.register_as("/v1/webhooks", &asked).await?;
    let body = json!({
        "email": "customer@example.com", "name": "John Doe", "phone": "+1 555 0100",
        "description": "A good one", "metadata": {"tier": "gold"}
    });
    let made = gateway.post("/v1/customers", &body).await?;
    let printed = r#"{"id":"cus_…","object":"customer","email":"customer@example.com","name":"John Doe","phone":"+1 555 0100","description":"A good one","metadata":{"tier":"gold"},"created":…}"#;
    assert_eq!((made.status, plain(&made.text).as_str()), (200, printed));
    let path = format!("/v1/customers/{}", made.at("/id"));
    assert_eq!(gateway.get(&path).await?.text, made.text);

    // Absent fields stay, null clears, metadata is replaced as a whole.
    let change = json!({"name": "Jane Doe", "phone": null, "metadata": {"since": 2024}});
    let changed = send(gateway, Method::PATCH, &path, &change).await?;
    let printed = r#"{"id":"cus_…","object":"customer","email":"customer@example.com","name":"Jane Doe","phone":null,"description":"A good one","metadata":{"since":2024},"created":…}"#;
    assert_eq!(
        (changed.status, plain(&changed.text).as_str()),
        (200, printed)
    );
    assert_eq!(changed.body["created"], made.body["created"]);
    assert_eq!(gateway.get(&path).await?.text, changed.text);
    let other_spelling = path.replace("/cus_", "/cust_");
    assert_eq!(gateway.get(&other_spelling).await?.text, changed.text);

    gateway.drain().await?;
    let mut webhooks: Vec<Value> = receiver
        .requests()
        .iter()
        .map(tests::Request::json)
        .collect();
    webhooks.sort_by_key(|event| event["type"].to_string());
    let kinds: Vec<&Value> = webhooks.iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["customer.created", "customer.updated"]);
    let objects: Vec<&Value> = webhooks
        .iter()
        .map(|event| &event["data"]["object"])
        .collect();
    assert_eq!(objects, [&made.body, &changed.body]);
    Ok(())
}

async fn one_email_address_is_one_customer(gateway: &Gateway) -> Result<()> {
    let paid = gateway.pay(cards::APPROVED).await?;
    let body = json!({"email": "CUSTOMER@example.com", "phone": "+1 555 0100"});
    let same = gateway.post("/v1/customers", &body).await?;
    assert_eq!(same.at("/id"), paid.at("/customer/id"));
    let found = (same.at("/email"), same.at("/name"), same.at("/phone"));
    assert_eq!(found, ("customer@example.com", "John Doe", "+1 555 0100"));

    let bodies: Vec<Value> = (0..10)
        .map(|_| json!({"email": "new@example.com"}))
        .collect();
    let made = bodies
        .iter()
        .map(|body| gateway.post("/v1/customers", body));
    let made = try_join_all(made).await?;
    let first = made.first().context("no answer")?;
    assert!(made.iter().all(|one| one.at("/id") == first.at("/id")));
    let nameless = gateway.post("/v1/customers", &json!({})).await?;
    let another = gateway.post("/v1/customers", &json!({})).await?;
    assert_ne!(nameless.at("/id"), another.at("/id"));

    // An address of another customer is refused, and free once that customer has lost it.
    let path = format!("/v1/customers/{}", nameless.at("/id"));
    let take = json!({"email": "new@example.com"});
    let taking = || {
        let request = gateway.request(Method::PATCH, &path).json(&take);
        request.bearer_auth(gateway.merchant.test_key.as_str())
    };
    expect_error(gateway, taking(), &refusal(400, "email_taken", "email")).await?;
    let first_path = format!("/v1/customers/{}", first.at("/id"));
    let cleared = send(gateway, Method::PATCH, &first_path, &json!({"email": null})).await?;
    assert_eq!(
        (cleared.status, &cleared.body["email"]),
        (200, &Value::Null)
    );
    let taken = gateway.send(taking()).await?;
    assert_eq!((taken.status, taken.at("/email")), (200, "new@example.com"));
    Ok(())
}

/// Locales merge İ with i, and the Kelvin sign with k.
async fn only_ascii_letters_of_either_case_are_equal(gateway: &Gateway) -> Result<()> {
    let mut ids = Vec::new();
    for email in [
        "kiti@example.com",
        "kİti@example.com",
        "\u{212a}iti@example.com",
    ] {
        let made = gateway
            .post("/v1/customers", &json!({"email": email, "name": email}))
            .await?;
        assert_eq!(made.at("/name"), email);
        let again = json!({"email": email.to_ascii_uppercase()});
        let again = gateway.post("/v1/customers", &again).await?;
        assert_eq!(again.text, made.text);
        let mut payment = example(cards::APPROVED);
        payment["customer"] = json!({"email": email.to_ascii_uppercase()});
        let paid = gateway.post("/v1/payments", &payment).await?;
        assert_eq!(paid.at("/customer/id"), made.at("/id"), "{email}");
        payment["customer"] = json!({"email": format!("new-{email}")});
        let paid = gateway.post("/v1/payments", &payment).await?;
        ids.extend([
            made.at("/id").to_owned(),
            paid.at("/customer/id").to_owned(),
        ]);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    Ok(())
}

async fn wrong_customer_fields_are_named_and_nothing_is_stored(gateway: &Gateway) -> Result<()> {
    for (body, code, param) in [
        (json!({"email": "nobody"}), "email_invalid", "email"),
        (
            json!({"email": "ada\u{200b}@example.com"}),
            "email_invalid",
            "email",
        ),
        (
            json!({"name": cards::APPROVED}),
            "card_number_misplaced",
            "name",
        ),
        (
            json!({"metadata": {"card": cards::APPROVED}}),
            "card_number_misplaced",
            "metadata",
        ),
        (json!({"id": "cus_1"}), "parameter_unknown", "id"),
        (json!("customer@example.com"), "body_invalid", ""),
    ] {
        let request = gateway.posting("/v1/customers", &body);
        let answer = expect_error(gateway, request, &refusal(400, code, param)).await;
        answer.with_context(|| body.to_string())?;
    }
    gateway.check_nothing_stored().await?;
    Ok(())
}

async fn customers_of_others_are_not_found(gateway: &Gateway) -> Result<()> {
    let made = gateway
        .post("/v1/customers", &json!({"name": "Ada"}))
        .await?;
    let path = format!("/v1/customers/{}", made.at("/id"));
    let missing = refusal(404, "resource_missing", "");
    for key in [&gateway.other_merchant.test_key, &gateway.merchant.live_key] {
        for method in [Method::GET, Method::PATCH] {
            let request = gateway.request(method, &path).bearer_auth(key.as_str());
            expect_error(gateway, request.json(&json!({"name": "Eve"})), &missing).await?;
        }
        let list = gateway
            .request(Method::GET, "/v1/customers")
            .bearer_auth(key.as_str());
        let list = gateway.send(list).await?;
        assert_eq!(list.body["data"], json!([]));
    }
    for id in [
        "cus_0000000000000000000001",
        "cus_1",
        "pay_0000000000000000000001",
        "%00",
    ] {
        let answer = gateway.request(Method::GET, &format!("/v1/customers/{id}"));
        let answer = answer.bearer_auth(gateway.merchant.test_key.as_str());
        expect_error(gateway, answer, &missing).await?;
    }
    assert_eq!(gateway.get(&path).await?.at("/name"), "Ada");
    Ok(())
}

async fn customers_are_listed_in_pages(gateway: &Gateway) -> Result<()> {
    let mut ids = Vec::new();
    for number in 0..5 {
        let body = json!({"email": format!("{number}@example.com")});
        let made = gateway.post("/v1/customers", &body).await?;
        ids.insert(0, made.body["id"].clone());
    }
    let list = async |query: &str| -> Result<(Vec<Value>, Value)> {
        let list = gateway.get(&format!("/v1/customers{query}")).await?;
        assert_eq!(
            (list.status, list.at("/object")),
            (200, "list"),
            "{}",
            list.text
        );
        let data = list.body["data"].as_array().context("no list")?;
        let ids = data.iter().map(|customer| customer["id"].clone()).collect();
        Ok((ids, list.body["has_more"].clone()))
    };
    let part = |range: std::ops::Range<usize>| ids.get(range).map(<[Value]>::to_vec);
    let third = ids.get(2).and_then(Value::as_str).context("an id")?;
    for (query, range, more) in [
        (String::new(), 0..5, false),
        ("?limit=2".to_owned(), 0..2, true),
        ("?limit=2&offset=3".to_owned(), 3..5, false),
        (format!("?limit=2&starting_after={third}"), 3..5, false),
        (format!("?limit=1&starting_after={third}"), 3..4, true),
    ] {
        let (shown, has_more) = list(&query).await?;
        assert_eq!(
            (Some(shown), has_more),
            (part(range), json!(more)),
            "{query}"
        );
    }
    Ok(())
}

async fn one_key_creates_one_customer(gateway: &Gateway) -> Result<()> {
    let keyed = |body: &Value| {
        let request = gateway.posting("/v1/customers", body);
        gateway.send(request.header("Idempotency-Key", "ada"))
    };
    let body = json!({"name": "Ada"});
    let first = keyed(&body).await?;
    let again = keyed(&body).await?;
    assert_eq!((again.status, &again.text), (200, &first.text));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let list = gateway.get("/v1/customers").await?;
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
    let other = keyed(&json!({"name": "Eve"})).await?;
    assert_eq!(
        (other.status, other.at("/error/code")),
        (409, "idempotency_key_reused")
    );
    Ok(())
}

/// A payment's customer is notified once, when it is new.
async fn a_new_customer_of_a_payment_is_notified_once(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let events = ["customer.created", "customer.updated"];
    let asked = json!({"url": receiver.url("/"), "events": events});
    gateway.register_as("/v1/webhooks", &asked).await?;
    let paid = gateway.pay(cards::APPROVED).await?;
    gateway.pay(cards::APPROVED).await?;
    gateway.drain().await?;
    let webhooks: Vec<Value> = receiver
        .requests()
        .iter()
        .map(tests::Request::json)
        .collect();
    let customer = gateway
        .get(&format!("/v1/customers/{}", paid.at("/customer/id")))
        .await?;
    assert_eq!(customer.at("/name"), "John Doe");
    let [event] = webhooks.as_slice() else {
        anyhow::bail!("{webhooks:?}");
    };
    assert_eq!(event["type"], "customer.created");
    assert_eq!(event["data"]["object"], customer.body);
    Ok(())
}
