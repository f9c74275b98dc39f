//! Webhook endpoints.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Receiver, cards, run_cases};

use super::{asking, expect_error};
use crate::plain::plain;

/// The documented request body, byte for byte.
const EXAMPLE: &str = r#"{
"url": "https://example.com/webhooks",
"events": ["payment.succeeded", "payment.failed"],
"metadata": {
"environment": "production"
}
}"#;

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        the_example_gets_the_documented_response,
        a_disabled_endpoint_receives_nothing,
        wrong_endpoint_fields_are_named_and_nothing_is_stored,
        unauthorized_and_unknown_requests_get_the_right_error,
        one_key_creates_one_endpoint,
        every_documented_event_can_be_subscribed_to,
    )
}

async fn the_example_gets_the_documented_response(gateway: &Gateway) -> Result<()> {
    let request = asking(gateway, Method::POST, "/v2/webhooks");
    let request = request
        .header("Content-Type", "application/json")
        .body(EXAMPLE);
    let made = gateway.send(request).await?;
    let printed = r#"{"id":"whk_…","url":"https://example.com/webhooks","events":["payment.succeeded","payment.failed"],"status":"active","created_at":…,"metadata":{"environment":"production"},"secret":"whsec_…"}"#;
    assert_eq!((made.status, plain(&made.text).as_str()), (200, printed));

    let path = format!("/v2/webhooks/{}", made.at("/id"));
    let read = gateway.get(&path).await?;
    let printed = printed.replace(r#","secret":"whsec_…""#, "");
    assert_eq!((read.status, plain(&read.text)), (200, printed.clone()));
    let list = gateway.get("/v2/webhooks").await?;
    let whole = format!(
        r#"{{"object":"list","data":[{}],"has_more":false}}"#,
        read.text
    );
    assert_eq!((list.status, &list.text), (200, &whole));

    let disable = asking(gateway, Method::PATCH, &path).json(&json!({"status": "disabled"}));
    let disabled = gateway.send(disable).await?;
    assert_eq!(
        (disabled.status, plain(&disabled.text)),
        (200, printed.replace("active", "disabled"))
    );
    assert_eq!(gateway.get(&path).await?.text, disabled.text);

    let deleted = gateway.send(asking(gateway, Method::DELETE, &path)).await?;
    let printed = r#"{"id":"whk_…","deleted":true}"#;
    assert_eq!(
        (deleted.status, plain(&deleted.text).as_str()),
        (200, printed)
    );
    for method in [Method::GET, Method::PATCH, Method::DELETE] {
        let request = asking(gateway, method, &path).json(&json!({}));
        expect_error(gateway, request, (404, "VAL003", "")).await?;
    }
    Ok(())
}

async fn a_disabled_endpoint_receives_nothing(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let made = gateway.register("/v2/webhooks", &receiver.url("/")).await?;
    let path = format!("/v2/webhooks/{}", made.id);
    for (status, count) in [("disabled", 0), ("active", 1)] {
        let request = asking(gateway, Method::PATCH, &path).json(&json!({"status": status}));
        assert_eq!(gateway.send(request).await?.at("/status"), status);
        gateway.pay(cards::APPROVED).await?;
        gateway.drain().await?;
        assert_eq!(receiver.requests().len(), count, "{status}");
    }
    Ok(())
}

async fn wrong_endpoint_fields_are_named_and_nothing_is_stored(gateway: &Gateway) -> Result<()> {
    let url = "https://example.com/hook";
    for (body, code, param) in [
        (json!([]), "VAL001", ""),
        (json!({}), "VAL001", "url"),
        (json!({"url": "http://10.0.0.1/"}), "VAL001", "url"),
        (
            json!({"url": url, "events": ["refund.created"]}),
            "VAL001",
            "events",
        ),
        (json!({"url": url, "secret": "x"}), "VAL001", "secret"),
        (
            json!({"url": url, "metadata": {"card": cards::APPROVED}}),
            "VAL001",
            "metadata",
        ),
    ] {
        let request = gateway.posting("/v2/webhooks", &body);
        let answer = expect_error(gateway, request, (400, code, param)).await;
        answer.with_context(|| body.to_string())?;
    }
    let text = asking(gateway, Method::POST, "/v2/webhooks").body("url=x");
    expect_error(gateway, text, (400, "VAL001", "")).await?;
    gateway.check_nothing_stored().await?;

    let made = gateway.register("/v2/webhooks", url).await?;
    let path = format!("/v2/webhooks/{}", made.id);
    for (body, param) in [
        (json!({"status": "deleted"}), "status"),
        (json!({"events": ["customer.created"]}), "events"),
        (json!({"url": "ftp://example.com/"}), "url"),
        (json!({"id": "whk_1"}), "id"),
    ] {
        let request = asking(gateway, Method::PATCH, &path).json(&body);
        expect_error(gateway, request, (400, "VAL001", param)).await?;
    }
    Ok(())
}

async fn unauthorized_and_unknown_requests_get_the_right_error(gateway: &Gateway) -> Result<()> {
    for (request, expected) in [
        (
            gateway.request(Method::GET, "/v2/webhooks"),
            (401, "AUTH001", ""),
        ),
        (
            gateway.request(Method::GET, "/v2/payments"),
            (401, "AUTH001", ""),
        ),
        (
            gateway
                .request(Method::GET, "/v2/webhooks")
                .bearer_auth("sk_test_wrong"),
            (401, "AUTH001", ""),
        ),
        (
            asking(gateway, Method::GET, "/v2/accounts"),
            (404, "VAL003", ""),
        ),
        (
            asking(gateway, Method::PUT, "/v2/webhooks"),
            (405, "VAL001", ""),
        ),
        (
            asking(gateway, Method::DELETE, "/v2/payments"),
            (405, "VAL001", ""),
        ),
        (
            asking(gateway, Method::GET, "/oauth/token"),
            (405, "VAL001", ""),
        ),
        (
            asking(
                gateway,
                Method::GET,
                "/v2/webhooks/whk_0000000000000000000001",
            ),
            (404, "VAL003", ""),
        ),
    ] {
        expect_error(gateway, request, expected).await?;
    }
    let ours = gateway
        .register("/v2/webhooks", "https://example.com/")
        .await?;
    let path = format!("/v2/webhooks/{}", ours.id);
    let theirs = gateway.request(Method::DELETE, &path);
    let theirs = theirs.bearer_auth(gateway.other_merchant.test_key.as_str());
    expect_error(gateway, theirs, (404, "VAL003", "")).await?;
    assert_eq!(gateway.get(&path).await?.status, 200);
    Ok(())
}

async fn one_key_creates_one_endpoint(gateway: &Gateway) -> Result<()> {
    let keyed = |body: &Value| {
        gateway
            .posting("/v2/webhooks", body)
            .header("Idempotency-Key", "hook")
    };
    let body = json!({"url": "https://example.com/"});
    let first = gateway.send(keyed(&body)).await?;
    let again = gateway.send(keyed(&body)).await?;
    assert_eq!((again.status, &again.text), (200, &first.text));
    let other = keyed(&json!({"url": "https://example.com/other"}));
    expect_error(gateway, other, (409, "VAL002", "Idempotency-Key")).await?;
    Ok(())
}

/// A client that subscribes to all documented events must be able to start.
async fn every_documented_event_can_be_subscribed_to(gateway: &Gateway) -> Result<()> {
    let events = json!([
        "payment.succeeded",
        "payment.failed",
        "payment.refunded",
        "payment.disputed",
        "account.created",
        "account.updated",
        "transfer.succeeded",
        "transfer.failed",
        "card.created",
        "card.activated",
        "card.blocked",
        "card.transaction"
    ]);
    let receiver = Receiver::start().await?;
    let hook = json!({"url": receiver.url("/"), "events": events});
    let made = gateway.post("/v2/webhooks", &hook).await?;
    assert_eq!((made.status, &made.body["events"]), (200, &events));
    let path = format!("/v2/webhooks/{}", made.at("/id"));
    let some = json!({"events": ["card.created"]});
    let changed = gateway.send(asking(gateway, Method::PATCH, &path).json(&some));
    assert_eq!(changed.await?.body["events"], some["events"]);
    // It receives nothing that it no longer subscribes to.
    gateway.pay(cards::APPROVED).await?;
    gateway.drain().await?;
    assert!(receiver.requests().is_empty());
    Ok(())
}
