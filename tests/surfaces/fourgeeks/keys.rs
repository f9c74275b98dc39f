//! The Idempotency-Key: on this surface a repeated request is refused, with what the first one created.

use anyhow::Result;
use futures::future::try_join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{Gateway, Response, cards, run_cases};

use super::{basic, create, example, problem};

const REPEATED: &str =
    "A request with this Idempotency-Key was taken before. Nothing more was done.";

fn with_key(gateway: &Gateway, path: &str, body: &Value, key: &str) -> RequestBuilder {
    let request = basic(gateway, Method::POST, path).json(body);
    request.header("Idempotency-Key", key)
}

/// The response to a repeated request, with the data of the first.
fn repeated(data: &Value) -> String {
    format!(
        r#"{{"code":409,"title":"Duplicate payment request","content":"{REPEATED}","type":"danger","data":{data}}}"#
    )
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_repeated_key_is_refused_with_the_first_payment,
        of_concurrent_requests_one_is_accepted,
        one_key_creates_one_session,
        a_repeated_refund_or_customer_names_the_first,
    )
}

async fn a_repeated_key_is_refused_with_the_first_payment(gateway: &Gateway) -> Result<()> {
    let path = "/v1/payments/";
    let first = gateway
        .send(with_key(gateway, path, &example(), "order-1"))
        .await?;
    assert_eq!(first.status, 202, "{}", first.text);
    let again = gateway
        .send(with_key(gateway, path, &example(), "order-1"))
        .await?;
    assert_eq!(
        (again.status, again.text),
        (409, repeated(&first.body["data"]))
    );
    let mut other = example();
    other["amount"] = json!("500.01");
    let refused = gateway
        .send(with_key(gateway, path, &other, "order-1"))
        .await?;
    let content = "This Idempotency-Key was used with another request. Nothing was done.";
    let expected = problem(409, "Idempotency key reused", content);
    assert_eq!((refused.status, refused.text), (409, expected));
    assert_eq!(gateway.count("payments").await?, 1);
    // Without a key every request creates a payment.
    create(gateway).await?;
    create(gateway).await?;
    assert_eq!(gateway.count("payments").await?, 3);
    Ok(())
}

async fn of_concurrent_requests_one_is_accepted(gateway: &Gateway) -> Result<()> {
    let body = example();
    let asked = (0..8).map(|_| gateway.send(with_key(gateway, "/v1/payments/", &body, "order-2")));
    let (taken, refused): (Vec<Response>, Vec<Response>) = try_join_all(asked)
        .await?
        .into_iter()
        .partition(|answer| answer.status == 202);
    assert_eq!((taken.len(), refused.len()), (1, 7));
    for answer in refused {
        let data = taken.first().map(|taken| &taken.body["data"]);
        assert_eq!((answer.status, Some(&answer.body["data"])), (409, data));
    }
    assert_eq!(gateway.count("payments").await?, 1);
    Ok(())
}

async fn one_key_creates_one_session(gateway: &Gateway) -> Result<()> {
    let session =
        json!({"amount": "1.00", "currency": "USD", "return_url": "https://example.com/"});
    let path = "/v1/payments/session";
    let first = gateway
        .send(with_key(gateway, path, &session, "s-1"))
        .await?;
    let again = gateway
        .send(with_key(gateway, path, &session, "s-1"))
        .await?;
    assert_eq!((first.status, again.status), (201, 409));
    assert_eq!(again.body["data"]["redirect"], first.body["checkout_url"]);
    assert!(again.at("/data/id_payment").starts_with("pay_"));

    // Keys are shared with the other surfaces.
    gateway.pay_with_key(cards::APPROVED, "p-1").await?;
    let other = gateway
        .send(with_key(gateway, "/v1/payments/", &example(), "p-1"))
        .await?;
    assert_eq!((other.status, &other.body["data"]), (409, &Value::Null));
    Ok(())
}

/// A refund in either shape and a customer: the first answer is what was made.
async fn a_repeated_refund_or_customer_names_the_first(gateway: &Gateway) -> Result<()> {
    let paid = gateway.pay(cards::APPROVED).await?;
    let id = paid.at("/id");
    for (path, body, other, member) in [
        (
            "/v1/refunds",
            json!({"payment_id": id, "amount": 100}),
            json!({"payment_id": id, "amount": 101}),
            "id",
        ),
        (
            "/v1/refunds/",
            json!({"charge_id": id, "amount": "1.00"}),
            json!({"charge_id": id, "amount": "1.01"}),
            "refund_id",
        ),
        (
            "/v1/customers",
            json!({"email": "ada@example.com", "name": "Ada"}),
            json!({"email": "eve@example.com", "name": "Eve"}),
            "id",
        ),
    ] {
        let key = format!("once {path}");
        let first = gateway.send(with_key(gateway, path, &body, &key)).await?;
        let again = gateway.send(with_key(gateway, path, &body, &key)).await?;
        assert_eq!(first.status, 200, "{}", first.text);
        assert!(first.body[member].is_string(), "{}", first.text);
        assert_eq!((again.status, again.text), (409, repeated(&first.body)));
        let other = gateway.send(with_key(gateway, path, &other, &key)).await?;
        let found = (other.status, other.at("/title"), &other.body["data"]);
        assert_eq!(found, (409, "Idempotency key reused", &Value::Null));
    }
    let list = super::get(gateway, "/v1/refunds").await?;
    assert_eq!(list.body["total_items"], json!(2));
    Ok(())
}
