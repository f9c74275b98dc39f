//! Endpoints that hang, fail or are disabled: they delay no other merchant, and what waits for them is sent
//! when they work again.

use std::time::Duration;

use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use tests::{Behaviour, cards, example, until};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::scene::{SOON, Scene};

/// Another merchant has sixteen endpoints that accept connections and never respond.
#[tokio::test]
async fn silent_endpoints_do_not_delay_other_merchants() -> Result<()> {
    let scene = Scene::patient().await?;
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", silent.local_addr()?);
    let as_other = |method, path: &str| {
        let request = scene.gateway.request(method, path);
        request.bearer_auth(scene.gateway.other_merchant.test_key.as_str())
    };
    for _ in 0..16 {
        let hook = as_other(Method::POST, "/v1/webhooks");
        let hook = hook.json(&json!({"url": url, "events": ["*"]}));
        assert_eq!(scene.gateway.send(hook).await?.status, 200);
    }
    for _ in 0..10 {
        let paid = as_other(Method::POST, "/v1/payments").json(&example(cards::APPROVED));
        assert_eq!(scene.gateway.send(paid).await?.status, 200);
    }
    for number in 1..=5 {
        let started = Instant::now();
        scene.gateway.pay(cards::APPROVED).await?;
        scene.receiver.wait_for(number).await?;
        let took = started.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    drop(silent);
    // The deliveries that wait for these endpoints are no part of this test's end.
    let hooks = "update webhook_endpoints set status = 'deleted' where url = $1";
    let hooks = sqlx::query(hooks).bind(&url);
    hooks.execute(scene.gateway.database()).await?;
    Ok(())
}

/// The state of the only endpoint: failures in a row, and whether it is paused.
async fn health(scene: &Scene) -> Result<(i32, bool)> {
    let query = "select failures, paused_until is not null from webhook_endpoints";
    let query = sqlx::query_as(query);
    Ok(query.fetch_one(scene.gateway.database()).await?)
}

#[tokio::test]
async fn an_endpoint_that_fails_repeatedly_is_paused_and_resumed() -> Result<()> {
    let scene = Scene::patient().await?;
    scene.receiver.behave(Behaviour::Status(500));
    for number in 1..=5 {
        scene.gateway.pay(cards::APPROVED).await?;
        until("a failure is counted", SOON, async || {
            Ok((health(&scene).await?.0 >= number).then_some(()))
        })
        .await?;
    }
    assert_eq!(health(&scene).await?, (5, true));
    let attempts = scene.gateway.delivery_attempts().await?.len();
    scene.gateway.pay(cards::APPROVED).await?;
    scene.receiver.behave(Behaviour::Status(200));
    scene.gateway.advance(Duration::from_secs(20)).await?;
    until("the endpoint has resumed", SOON, async || {
        Ok((health(&scene).await? == (0, false)).then_some(()))
    })
    .await?;
    assert!(scene.gateway.delivery_attempts().await?.len() > attempts);
    scene.gateway.advance(Duration::from_mins(5)).await?;
    scene.finish().await
}

#[tokio::test]
async fn a_disabled_endpoint_receives_what_waits_when_it_is_active_again() -> Result<()> {
    let scene = Scene::patient().await?;
    scene.receiver.behave(Behaviour::Status(500));
    scene.gateway.pay(cards::APPROVED).await?;
    scene.gateway.drain().await?;
    let failed = scene.receiver.requests().len();
    scene.receiver.behave(Behaviour::Status(200));
    let set = "update webhook_endpoints set status = $1";
    let set = |status| {
        sqlx::query(set)
            .bind(status)
            .execute(scene.gateway.database())
    };
    set("disabled").await?;
    scene.gateway.advance(Duration::from_mins(10)).await?;
    scene.gateway.drain().await?;
    assert_eq!(scene.receiver.requests().len(), failed);
    set("active").await?;
    scene.gateway.advance(Duration::from_hours(1)).await?;
    scene.gateway.drain().await?;
    assert_eq!(scene.receiver.requests().len(), 2 * failed);
    scene.finish().await
}
