//! Customers.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, cards, run_cases};

use super::{asking, expect_error};
use crate::plain::plain;

/// The documented request body, byte for byte.
const EXAMPLE: &str = r#"{
"email": "customer@example.com",
"name": "John Doe",
"metadata": {
"company": "Acme Inc"
}
}"#;

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        the_example_gets_the_documented_response,
        wrong_customer_fields_are_named_and_nothing_is_stored,
        customers_are_private_and_one_key_creates_one,
    )
}

async fn the_example_gets_the_documented_response(gateway: &Gateway) -> Result<()> {
    let request = asking(gateway, Method::POST, "/v2/customers");
    let request = request
        .header("Content-Type", "application/json")
        .body(EXAMPLE);
    let made = gateway.send(request).await?;
    let printed = r#"{"id":"cust_…","email":"customer@example.com","name":"John Doe","created_at":…,"metadata":{"company":"Acme Inc"}}"#;
    assert_eq!((made.status, plain(&made.text).as_str()), (200, printed));
    for path in [
        format!("/v2/customers/{}", made.at("/id")),
        format!("/v2/customers/{}", made.at("/id").replace("cust_", "cus_")),
    ] {
        let read = gateway.get(&path).await?;
        assert_eq!((read.status, &read.text), (200, &made.text), "{path}");
    }
    // The same address is the same customer; absent fields stay.
    let again = json!({"email": "Customer@example.com", "name": "Jane Doe"});
    let again = gateway.post("/v2/customers", &again).await?;
    assert_eq!(
        (again.at("/id"), again.at("/name")),
        (made.at("/id"), "Jane Doe")
    );
    assert_eq!(again.body["metadata"], json!({"company": "Acme Inc"}));
    Ok(())
}

async fn wrong_customer_fields_are_named_and_nothing_is_stored(gateway: &Gateway) -> Result<()> {
    let email = "customer@example.com";
    for (body, code, param) in [
        (json!({}), "VAL001", "email"),
        (
            json!({"email": email, "name": cards::APPROVED}),
            "VAL001",
            "name",
        ),
        (json!({"email": email, "age": 7}), "VAL001", "age"),
        (json!([]), "VAL001", ""),
    ] {
        let request = gateway.posting("/v2/customers", &body);
        let answer = expect_error(gateway, request, (400, code, param)).await;
        answer.with_context(|| body.to_string())?;
    }
    gateway.check_nothing_stored().await?;
    Ok(())
}

async fn customers_are_private_and_one_key_creates_one(gateway: &Gateway) -> Result<()> {
    let keyed = |body: &Value| {
        gateway
            .posting("/v2/customers", body)
            .header("Idempotency-Key", "ada")
    };
    let body = json!({"email": "ada@example.com"});
    let first = gateway.send(keyed(&body)).await?;
    let again = gateway.send(keyed(&body)).await?;
    assert_eq!((again.status, &again.text), (200, &first.text));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = keyed(&json!({"email": "eve@example.com"}));
    expect_error(gateway, other, (409, "VAL002", "Idempotency-Key")).await?;

    let missing = (404, "VAL003", "");
    let path = format!("/v2/customers/{}", first.at("/id"));
    for key in [&gateway.other_merchant.test_key, &gateway.merchant.live_key] {
        let request = gateway
            .request(Method::GET, &path)
            .bearer_auth(key.as_str());
        expect_error(gateway, request, missing).await?;
    }
    for id in ["cust_1", "cust_0000000000000000000001", "%ff"] {
        let request = asking(gateway, Method::GET, &format!("/v2/customers/{id}"));
        expect_error(gateway, request, missing).await?;
    }
    Ok(())
}
