//! Which endpoint receives which events.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Behaviour, Gateway, Options, Receiver, Request, cards};
use tokio::net::TcpListener;

use crate::signatures::check;

#[tokio::test]
async fn endpoints_receive_the_events_they_subscribed_to() -> Result<()> {
    let gateway = Gateway::start().await?;
    let receiver = Receiver::start().await?;
    let hook = |name: &str, events: Value| json!({"url": receiver.url(name), "events": events});
    let all = hook("/all", json!(["*"]));
    let all = gateway.register_as("/v1/webhooks", &all).await?;
    let also = hook("/also", json!(["payment.succeeded", "payment.failed"]));
    let also = gateway.register_as("/v1/webhooks", &also).await?;
    let failed = hook("/failed", json!(["payment.failed"]));
    let failed = gateway.register_as("/v1/webhooks", &failed).await?;
    let refunds = hook("/refunds", json!(["refund.created"]));
    gateway.register_as("/v1/webhooks", &refunds).await?;
    let theirs = gateway
        .request(Method::POST, "/v1/webhooks")
        .bearer_auth(gateway.other_merchant.test_key.as_str())
        .json(&hook("/theirs", json!(["*"])));
    assert_eq!(gateway.send(theirs).await?.status, 200);

    gateway.pay(cards::APPROVED).await?;
    gateway.pay(cards::DECLINED).await?;
    gateway.drain().await?;
    let mut webhooks = receiver.requests();
    webhooks.sort_by_key(|request| (request.path.clone(), request.json()["type"].to_string()));
    let summaries: Vec<String> = webhooks
        .iter()
        .map(|request| format!("{} {}", request.path, request.json()["type"]))
        .collect();
    assert_eq!(
        summaries,
        [
            r#"/all "customer.created""#,
            r#"/all "payment.failed""#,
            r#"/all "payment.succeeded""#,
            r#"/also "payment.failed""#,
            r#"/also "payment.succeeded""#,
            r#"/failed "payment.failed""#,
        ]
    );
    for request in &webhooks {
        let endpoint = match request.path.as_str() {
            "/all" => &all,
            "/also" => &also,
            _ => &failed,
        };
        check(request, &endpoint.secret)?;
    }
    // An event has one id and one body for all endpoints; each endpoint has its own secret.
    let failures: Vec<&Request> = webhooks
        .iter()
        .filter(|request| request.text.contains("payment.failed"))
        .collect();
    assert!(
        failures
            .iter()
            .all(|one| Some(&one.text) == failures.first().map(|first| &first.text))
    );
    let mut signatures: Vec<&str> = failures
        .iter()
        .map(|request| request.header("x-webhook-signature"))
        .collect();
    signatures.sort_unstable();
    signatures.dedup();
    assert_eq!(signatures.len(), 3);
    gateway.finish().await
}

#[tokio::test]
async fn a_finfusion_endpoint_receives_finfusions_format() -> Result<()> {
    let gateway = Gateway::start().await?;
    let receiver = Receiver::start().await?;
    let endpoint = gateway
        .register("/v2/webhooks", &receiver.url("/v2"))
        .await?;
    let mut body = tests::example(cards::APPROVED);
    body["metadata"] = json!({"order_id": "ORD-123"});
    let paid = gateway.post("/v1/payments", &body).await?;
    let webhooks = receiver.wait_for(1).await?;
    let webhooks = webhooks.first().context("no webhook")?;
    check(webhooks, &endpoint.secret)?;
    let event = webhooks.json();
    let payment = &event["data"]["object"];
    let at = payment["created_at"].as_str().unwrap_or_default();
    let method = payment["payment_method"]["id"].as_str().unwrap_or_default();
    assert!(
        at.len() == 20 && at.ends_with('Z') && method.starts_with("pm_"),
        "{payment}"
    );
    assert_eq!(event["type"], "payment.succeeded");
    assert_eq!(
        payment,
        &json!({
            "id": paid.body["id"], "status": "succeeded",
            "amount": {"value": 5000, "currency": "USD"},
            "payment_method": {
                "id": method, "type": "card",
                "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2025}
            },
            "created_at": at, "metadata": {"order_id": "ORD-123"},
        })
    );
    gateway.finish().await
}

#[tokio::test]
async fn private_addresses_are_refused_at_registration() -> Result<()> {
    let gateway = Gateway::start().await?;
    for url in [
        "http://10.0.0.1/hook",
        "https://10.0.0.1/hook",
        "https://192.168.1.1/hook",
        "https://172.16.0.1:8443/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://167772161/",
        "https://0x0a000001/",
        "https://012.0.0.1/",
        "https://10.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://[64:ff9b::a00:1]/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
    ] {
        for path in ["/v1/webhooks", "/v2/webhooks"] {
            let refused = gateway.post(path, &json!({"url": url})).await?;
            assert_eq!(refused.status, 400, "{path} {url}: {}", refused.text);
            assert_eq!(
                refused.at("/error/param"),
                "url",
                "{path} {url}: {}",
                refused.text
            );
        }
    }
    for url in [
        "",
        "hook",
        "//example.com/",
        "https://user:secret@example.com/",
        "https://",
    ] {
        let refused = gateway.post("/v1/webhooks", &json!({"url": url})).await?;
        assert_eq!(refused.status, 400, "{url}: {}", refused.text);
    }
    // Loopback is allowed in test mode only.
    let live = gateway
        .request(Method::POST, "/v1/webhooks")
        .bearer_auth(gateway.merchant.live_key.as_str());
    for url in [
        "http://127.0.0.1:1/",
        "https://127.0.0.1:1/",
        "https://[::1]:1/",
        "http://example.com/",
    ] {
        let request = live
            .try_clone()
            .context("a request")?
            .json(&json!({"url": url}));
        let refused = gateway.send(request).await?;
        assert_eq!(
            (refused.status, refused.at("/error/code")),
            (400, "url_not_allowed"),
            "{url}"
        );
    }
    assert_eq!(gateway.count("webhook_endpoints").await?, 0);
    gateway.finish().await
}

/// A host name is checked when it is resolved, at each attempt.
#[tokio::test]
async fn a_host_name_with_a_private_address_is_not_connected_to() -> Result<()> {
    let options = Options {
        env: vec![("SLUICE_WEBHOOK_LOCAL", "false".to_owned())],
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://localhost:{}/hook", listener.local_addr()?.port());
    gateway.register("/v1/webhooks", &url).await?;
    let refused = gateway
        .post("/v1/webhooks", &json!({"url": "http://localhost/"}))
        .await?;
    assert_eq!(
        (refused.status, refused.at("/error/code")),
        (400, "url_not_allowed")
    );
    gateway.pay(cards::APPROVED).await?;
    gateway.drain().await?;
    let attempts = gateway.delivery_attempts().await?;
    assert_eq!(attempts, [(None, Some("could not connect".to_owned()))]);
    let connection = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(connection.is_err(), "the worker connected");
    gateway.finish().await
}

#[tokio::test]
async fn a_slow_endpoint_delays_no_other() -> Result<()> {
    let gateway = Gateway::start().await?;
    let (slow, fast) = (Receiver::start().await?, Receiver::start().await?);
    slow.behave(Behaviour::Slow(Duration::from_secs(2)));
    gateway.register("/v1/webhooks", &slow.url("/")).await?;
    gateway.register("/v1/webhooks", &fast.url("/")).await?;
    for _ in 0..5 {
        gateway.pay(cards::APPROVED).await?;
    }
    fast.wait_for(5).await?;
    let deliveries = gateway.deliveries().await?.into_iter();
    let delivered = deliveries.filter(|one| one.state == "delivered").count();
    assert!(
        delivered <= 5,
        "the slow endpoint's deliveries are not done"
    );
    gateway.drain().await?;
    assert_eq!((slow.requests().len(), fast.requests().len()), (5, 5));
    gateway.finish().await
}
