//! Webhook endpoints after they were registered.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Receiver, Response, cards, run_cases};

use super::send;
use crate::plain::plain;
use crate::{expect_error, refusal};

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        an_endpoint_is_listed_read_changed_and_deleted,
        a_disabled_endpoint_receives_nothing_until_it_is_active,
        one_key_creates_one_endpoint,
        wrong_changes_are_named,
        endpoints_of_others_are_not_found,
        endpoints_need_a_key,
    )
}

async fn an_endpoint_is_listed_read_changed_and_deleted(gateway: &Gateway) -> Result<()> {
    let asked = json!({
        "url": "https://EXAMPLE.com/./webhooks", "events": ["payment.succeeded"],
        "metadata": {"team": "books"}, "signature": "v1a"
    });
    let made = gateway.post("/v1/webhooks", &asked).await?;
    let printed = r#"{"id":"whk_…","object":"webhook_endpoint","url":"https://example.com/webhooks","events":["payment.succeeded"],"status":"active","created":…,"metadata":{"team":"books"},"secret":"whsec_…","public_key":"whpk_…"}"#;
    assert_eq!((made.status, plain(&made.text).as_str()), (200, printed));

    // The secret is not shown again.
    let path = format!("/v1/webhooks/{}", made.at("/id"));
    let read = gateway.get(&path).await?;
    let printed = printed.replace(r#""secret":"whsec_…","#, "");
    assert_eq!((read.status, plain(&read.text)), (200, printed.clone()));
    assert_eq!(read.at("/public_key"), made.at("/public_key"));
    let list = gateway.get("/v1/webhooks").await?;
    let whole = format!(
        r#"{{"object":"list","data":[{}],"has_more":false}}"#,
        read.text
    );
    assert_eq!((list.status, &list.text), (200, &whole));

    let change = json!({
        "url": "HTTPS://Example.com:443/./other", "events": ["*"], "status": "disabled", "metadata": {}
    });
    let changed = send(gateway, Method::PATCH, &path, &change).await?;
    let printed = r#"{"id":"whk_…","object":"webhook_endpoint","url":"https://example.com/other","events":["*"],"status":"disabled","created":…,"public_key":"whpk_…"}"#;
    assert_eq!(
        (changed.status, plain(&changed.text).as_str()),
        (200, printed)
    );
    assert_eq!(gateway.get(&path).await?.text, changed.text);
    let nothing = send(gateway, Method::PATCH, &path, &json!({})).await?;
    assert_eq!(nothing.text, changed.text);

    let deleted = send(gateway, Method::DELETE, &path, &Value::Null).await?;
    let printed = r#"{"id":"whk_…","object":"webhook_endpoint","deleted":true}"#;
    assert_eq!(
        (deleted.status, plain(&deleted.text).as_str()),
        (200, printed)
    );
    let missing = refusal(404, "resource_missing", "");
    for method in [Method::GET, Method::PATCH, Method::DELETE] {
        let request = gateway.request(method, &path).json(&json!({}));
        let request = request.bearer_auth(gateway.merchant.test_key.as_str());
        expect_error(gateway, request, &missing).await?;
    }
    let list = gateway.get("/v1/webhooks").await?;
    assert_eq!(list.text, r#"{"object":"list","data":[],"has_more":false}"#);
    Ok(())
}

async fn a_disabled_endpoint_receives_nothing_until_it_is_active(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let made = gateway.register("/v1/webhooks", &receiver.url("/")).await?;
    let path = format!("/v1/webhooks/{}", made.id);
    let set = async |change: Value| -> Result<Response> {
        send(gateway, Method::PATCH, &path, &change).await
    };
    set(json!({"status": "disabled"})).await?;
    gateway.pay(cards::APPROVED).await?;
    gateway.drain().await?;
    assert_eq!(receiver.requests().len(), 0);
    set(json!({"status": "active", "events": ["payment.failed"]})).await?;
    gateway.pay(cards::APPROVED).await?;
    let declined = gateway.pay(cards::DECLINED).await?;
    gateway.drain().await?;
    let webhooks = receiver.requests();
    let objects: Vec<Value> = webhooks
        .iter()
        .map(|event| event.json()["data"]["object"].clone())
        .collect();
    assert_eq!(objects, [declined.body]);
    send(gateway, Method::DELETE, &path, &Value::Null).await?;
    gateway.pay(cards::DECLINED).await?;
    gateway.drain().await?;
    assert_eq!(receiver.requests().len(), 1);
    Ok(())
}

async fn one_key_creates_one_endpoint(gateway: &Gateway) -> Result<()> {
    let keyed = |body: &Value| {
        let request = gateway.posting("/v1/webhooks", body);
        gateway.send(request.header("Idempotency-Key", "hook"))
    };
    let body = json!({"url": "https://example.com/"});
    let first = keyed(&body).await?;
    let again = keyed(&body).await?;
    // The replay shows the secret: the first answer may have been lost.
    assert_eq!((again.status, &again.text), (200, &first.text));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = keyed(&json!({"url": "https://example.com/other"})).await?;
    assert_eq!(
        (other.status, other.at("/error/code")),
        (409, "idempotency_key_reused")
    );
    let list = gateway.get("/v1/webhooks").await?;
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
    Ok(())
}

async fn wrong_changes_are_named(gateway: &Gateway) -> Result<()> {
    let made = gateway
        .register("/v1/webhooks", "https://example.com/")
        .await?;
    let path = format!("/v1/webhooks/{}", made.id);
    let before = gateway.get(&path).await?;
    for (body, code, param) in [
        (
            json!({"url": "http://example.com/"}),
            "url_not_allowed",
            "url",
        ),
        (
            json!({"url": "https://10.0.0.1/"}),
            "url_not_allowed",
            "url",
        ),
        (json!({"url": "nowhere"}), "parameter_invalid", "url"),
        (json!({"url": "https://a\\@b/"}), "parameter_invalid", "url"),
        (
            json!({"url": format!("https://example.com/{}", cards::APPROVED)}),
            "card_number_misplaced",
            "url",
        ),
        (
            json!({"events": ["payment.disputed"]}),
            "parameter_invalid",
            "events",
        ),
        (json!({"status": "deleted"}), "parameter_invalid", "status"),
        (json!({"secret": "whsec_x"}), "parameter_unknown", "secret"),
        (json!([]), "body_invalid", ""),
    ] {
        let request = gateway.request(Method::PATCH, &path).json(&body);
        let request = request.bearer_auth(gateway.merchant.test_key.as_str());
        expect_error(gateway, request, &refusal(400, code, param)).await?;
    }
    assert_eq!(gateway.get(&path).await?.text, before.text);
    Ok(())
}

/// Neither another merchant's, nor live mode's, nor another surface's.
async fn endpoints_of_others_are_not_found(gateway: &Gateway) -> Result<()> {
    let ours = gateway
        .register("/v1/webhooks", "https://example.com/")
        .await?;
    let (merchant, other) = (&gateway.merchant, &gateway.other_merchant);
    let missing = refusal(404, "resource_missing", "");
    for key in [&other.test_key, &merchant.live_key] {
        for method in [Method::GET, Method::PATCH, Method::DELETE] {
            let request = gateway.request(method, &format!("/v1/webhooks/{}", ours.id));
            let request = request.bearer_auth(key.as_str()).json(&json!({}));
            expect_error(gateway, request, &missing).await?;
        }
    }
    let elsewhere = gateway
        .register("/v2/webhooks", "https://example.com/")
        .await?;
    let request = gateway.request(Method::GET, &format!("/v1/webhooks/{}", elsewhere.id));
    expect_error(
        gateway,
        request.bearer_auth(merchant.test_key.as_str()),
        &missing,
    )
    .await?;
    let list = gateway.get("/v1/webhooks").await?;
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
    Ok(())
}

async fn endpoints_need_a_key(gateway: &Gateway) -> Result<()> {
    for (method, path) in [
        (Method::GET, "/v1/webhooks"),
        (Method::GET, "/v1/webhooks/whk_0000000000000000000001"),
        (Method::DELETE, "/v1/webhooks/whk_0000000000000000000001"),
    ] {
        let request = gateway.request(method, path);
        expect_error(gateway, request, &refusal(401, "missing_api_key", "")).await?;
    }
    gateway.check_nothing_stored().await?;
    Ok(())
}
