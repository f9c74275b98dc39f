//! Webhook endpoints, registered with this contract's key.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Response, run_cases};

use super::{expect_error, get, of, post, wrong};

const WEBHOOKS: &str = "/v1/webhooks";
const URL: &str = "https://example.com/hook";

fn path(made: &Response) -> String {
    format!("{WEBHOOKS}/{}", made.at("/id"))
}

async fn send(gateway: &Gateway, method: Method, path: &str, body: &Value) -> Result<Response> {
    let request = of(gateway, &gateway.merchant, method, path);
    gateway.send(request.json(body)).await
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        an_endpoint_is_registered_read_changed_and_deleted,
        an_endpoint_is_visible_to_its_merchant_on_its_surface_only,
        a_repeated_registration_is_one_endpoint,
        wrong_and_too_many_endpoints_are_refused,
        every_documented_event_can_be_subscribed_to,
        a_slash_at_the_end_changes_nothing,
    )
}

async fn an_endpoint_is_registered_read_changed_and_deleted(gateway: &Gateway) -> Result<()> {
    let asked = json!({
        "url": URL, "events": ["payment_intent.created"], "metadata": {"team": "books"},
        "signature": "v1a"
    });
    let made = post(gateway, WEBHOOKS, &asked).await?;
    let (id, created) = (
        made.at("/id"),
        made.body["created"].as_i64().context("no time")?,
    );
    let (secret, public) = (made.at("/data/secret"), made.at("/data/publicKey"));
    assert!(id.starts_with("whk_") && secret.starts_with("whsec_") && public.starts_with("whpk_"));
    let text = |secret: &str| {
        format!(
            r#"{{"id":"{id}","object":"webhook_endpoint","status":"active","data":{{"id":"{id}","object":"webhook_endpoint","url":"{URL}","events":["payment_intent.created"],"status":"active","metadata":{{"team":"books"}},{secret}"publicKey":"{public}","created":{created},"updated":{created}}},"created":{created},"updated":{created}}}"#
        )
    };
    let shown = text(&format!(r#""secret":"{secret}","#));
    assert_eq!((made.status, &made.text), (201, &shown));
    let found = get(gateway, &path(&made)).await?;
    assert_eq!((found.status, &found.text), (200, &text("")));
    let list = get(gateway, WEBHOOKS).await?;
    let whole = format!(
        r#"{{"object":"list","data":[{}],"has_more":false}}"#,
        text("")
    );
    assert_eq!((list.status, list.text), (200, whole));

    for (method, change, pointer, expected) in [
        (
            Method::PUT,
            json!({"status": "disabled"}),
            "/status",
            json!("disabled"),
        ),
        (
            Method::PATCH,
            json!({"status": "active"}),
            "/data/status",
            json!("active"),
        ),
        (
            Method::PUT,
            json!({"events": ["*"]}),
            "/data/events",
            json!(["*"]),
        ),
        (
            Method::PUT,
            json!({"url": "https://example.com/2"}),
            "/data/url",
            json!("https://example.com/2"),
        ),
        (
            Method::PATCH,
            json!({"metadata": null}),
            "/data/metadata",
            json!({}),
        ),
    ] {
        let changed = send(gateway, method, &path(&made), &change).await?;
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_eq!(
            changed.body.pointer(pointer),
            Some(&expected),
            "{}",
            changed.text
        );
        assert_eq!(changed.text, get(gateway, &path(&made)).await?.text);
    }
    let deleted = send(gateway, Method::DELETE, &path(&made), &json!({})).await?;
    let gone = format!(r#"{{"id":"{id}","object":"webhook_endpoint","deleted":true}}"#);
    assert_eq!((deleted.status, deleted.text), (200, gone));
    let missing = wrong(
        "resource_missing",
        &format!("Webhook endpoint not found: {id}"),
        None,
    );
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let request = of(gateway, &gateway.merchant, method, &path(&made));
        expect_error(gateway, request.json(&json!({})), 404, &missing).await?;
    }
    assert_eq!(get(gateway, WEBHOOKS).await?.body["data"], json!([]));
    Ok(())
}

async fn an_endpoint_is_visible_to_its_merchant_on_its_surface_only(
    gateway: &Gateway,
) -> Result<()> {
    let made = post(gateway, WEBHOOKS, &json!({"url": URL})).await?;
    assert_eq!(made.body["data"]["events"], json!(["*"]));
    let missing = format!("Webhook endpoint not found: {}", made.at("/id"));
    let missing = wrong("resource_missing", &missing, None);
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let theirs = of(gateway, &gateway.other_merchant, method, &path(&made));
        expect_error(gateway, theirs.json(&json!({})), 404, &missing).await?;
    }
    let theirs = of(gateway, &gateway.other_merchant, Method::GET, WEBHOOKS);
    assert_eq!(gateway.send(theirs).await?.body["data"], json!([]));
    let elsewhere = gateway
        .register(WEBHOOKS, "https://example.com/paygate")
        .await?;
    let found = get(gateway, &format!("{WEBHOOKS}/{}", elsewhere.id)).await?;
    assert_eq!(found.status, 404);
    let list = get(gateway, WEBHOOKS).await?;
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
    Ok(())
}

/// The secret is not stored for the replay, but derived again.
async fn a_repeated_registration_is_one_endpoint(gateway: &Gateway) -> Result<()> {
    let keyed = |body: Value| {
        let request = of(gateway, &gateway.merchant, Method::POST, WEBHOOKS).json(&body);
        gateway.send(request.header("Idempotency-Key", "hook"))
    };
    let (first, second) = (
        keyed(json!({"url": URL})).await?,
        keyed(json!({"url": URL})).await?,
    );
    assert_eq!((first.status, &first.text), (201, &second.text));
    assert_eq!(second.header("idempotent-replayed"), "true");
    let other = keyed(json!({"url": "https://example.com/other"})).await?;
    assert_eq!(
        (other.status, other.at("/error/code")),
        (400, "idempotency_key_reused")
    );
    Ok(())
}

async fn wrong_and_too_many_endpoints_are_refused(gateway: &Gateway) -> Result<()> {
    for (body, param) in [
        (json!({}), "url"),
        (json!({"url": "http://10.0.0.1/"}), "url"),
        (json!({"url": "example.com"}), "url"),
        (
            json!({"url": URL, "events": ["payment.succeeded"]}),
            "events",
        ),
        (json!({"url": URL, "secret": "whsec_1"}), "secret"),
    ] {
        let answer = post(gateway, WEBHOOKS, &body).await?;
        let found = (
            answer.status,
            answer.at("/error/code"),
            answer.at("/error/param"),
        );
        assert_eq!(found, (400, "invalid_request", param), "{}", answer.text);
    }
    for _ in 0..16 {
        let made = post(gateway, WEBHOOKS, &json!({"url": URL})).await?;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let message = "This account has as many webhook endpoints as it may have.";
    let request = of(gateway, &gateway.merchant, Method::POST, WEBHOOKS);
    let request = request.json(&json!({"url": URL}));
    expect_error(
        gateway,
        request,
        400,
        &wrong("invalid_request", message, None),
    )
    .await?;
    Ok(())
}

/// A client that subscribes to all documented events must be able to start.
async fn every_documented_event_can_be_subscribed_to(gateway: &Gateway) -> Result<()> {
    let of_intents = [
        "created",
        "status_changed",
        "blockchain_tx_submitted",
        "blockchain_tx_confirmed",
        "settlement_initiated",
        "settlement_completed",
        "signature_required",
        "signature_verified",
        "processing",
        "succeeded",
        "settlement_failed",
        "settled",
        "canceled",
        "failed",
    ];
    let others = [
        "escrow_order.created",
        "delivery_proof.submitted",
        "dispute.raised",
        "dispute.resolved",
        "time_lock.released",
        "milestone.completed",
    ];
    let of_intents = of_intents.map(|name| format!("payment_intent.{name}"));
    let events: Vec<&str> = of_intents
        .iter()
        .map(String::as_str)
        .chain(others)
        .collect();
    let made = post(gateway, WEBHOOKS, &json!({"url": URL, "events": events})).await?;
    assert_eq!(
        (made.status, &made.body["data"]["events"]),
        (201, &json!(events))
    );
    Ok(())
}

async fn a_slash_at_the_end_changes_nothing(gateway: &Gateway) -> Result<()> {
    // No event is sent, which would change what the endpoint shows.
    let asked = json!({"url": URL, "events": ["dispute.raised"]});
    let made = post(gateway, "/v1/webhooks/", &asked).await?;
    assert_eq!(made.status, 201, "{}", made.text);
    let intent = super::intent(gateway, &super::example()).await?;
    for path in [WEBHOOKS.to_owned(), super::at(&intent, "")] {
        let plain = get(gateway, &path).await?;
        let slashed = get(gateway, &format!("{path}/")).await?;
        assert_eq!((slashed.status, slashed.text), (200, plain.text), "{path}");
    }
    Ok(())
}
