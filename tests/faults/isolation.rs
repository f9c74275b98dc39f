//! Endpoints that hang, fail or are disabled: they delay no other merchant, and what waits for them is sent
//! when they work again.

use std::iter;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::id::{EndpointId, EventId};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Behaviour, Gateway, Receiver, cards, example, until};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::endurance::{drain_time, scale};
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
    let mut hooks = Vec::new();
    for _ in 0..16 {
        let hook = as_other(Method::POST, "/v1/webhooks");
        let hook = hook.json(&json!({"url": url, "events": ["*"]}));
        let made = scene.gateway.send(hook).await?;
        assert_eq!(made.status, 200);
        hooks.push(format!("/v1/webhooks/{}", made.at("/id")));
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
    for hook in hooks {
        let deleted = scene.gateway.send(as_other(Method::DELETE, &hook)).await?;
        assert_eq!(deleted.status, 200, "{}", deleted.text);
    }
    scene.gateway.drain().await?;
    // The receiver is not asked for the other merchant's webhooks.
    scene.gateway.finish().await
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

/// Copies a test event that waits for an endpoint, with its delivery and a job that is due in a second. $1: the
/// event; $2: the endpoint; $3: how many copies.
const COPIES: &str = "
    with event as (
        insert into events (id, merchant_id, live, type, subject, subject_id, data, data_version)
        select gen_random_uuid(), merchant_id, live, type, subject, subject_id, data, data_version
        from events, generate_series(1, $3) where id = $1
        returning id, merchant_id, live
    ), delivery as (
        insert into deliveries (id, event_id, endpoint_id, state)
        select gen_random_uuid(), id, $2, 'delivering' from event
        returning id, event_id
    )
    insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
    select 'webhook', d.id, d.id, e.merchant_id, e.live, now() + interval '1 second'
    from delivery d join event e on e.id = d.event_id";

const WAITING: usize = 1_000;
const PAYMENTS: usize = 120;
const HEALTHY: usize = 16;

/// Merchants that each have as many endpoints as one may have; returns their keys.
async fn healthy(gateway: &Gateway, receiver: &Receiver, merchants: usize) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    for number in 0..merchants {
        let name = format!("Healthy {number}");
        let made = [
            "merchant",
            "create",
            "--name",
            &name,
            "--rate-limit",
            "10000",
            "--json",
        ];
        let made: Value = serde_json::from_str(&gateway.operate(&made).await?)?;
        let key = made["test_key"].as_str().context("no key")?.to_owned();
        for _ in 0..HEALTHY {
            let hook = json!({"url": receiver.url("/"), "events": ["payment.failed"]});
            let hook = gateway.request(Method::POST, "/v1/webhooks").json(&hook);
            let answer = gateway.send(hook.bearer_auth(&key)).await?;
            ensure!(answer.status == 200, "{}", answer.text);
        }
        keys.push(key);
    }
    Ok(keys)
}

/// From the payment to its webhooks, at the 99th percentile of all endpoints. One payment of each merchant comes
/// before, in which connections are opened and statements planned.
async fn p99(gateway: &Gateway, receiver: &Receiver, keys: &[String]) -> Result<Duration> {
    let mut latencies = Vec::new();
    let all = iter::repeat_n(keys, PAYMENTS.div_ceil(keys.len()) + 1);
    for (number, key) in all.flatten().enumerate() {
        let (before, started) = (receiver.count(), std::time::Instant::now());
        let paid = gateway.request(Method::POST, "/v1/payments");
        let paid = paid.json(&example(cards::DECLINED)).bearer_auth(key);
        ensure!(gateway.send(paid).await?.status == 200);
        let requests = receiver.wait_for(before + HEALTHY).await?;
        let arrived = requests.iter().skip(before);
        if number >= keys.len() {
            latencies.extend(arrived.map(|request| request.at - started));
        }
    }
    latencies.sort_unstable();
    let at = latencies.len() * 99 / 100;
    latencies.get(at).copied().context("nothing arrived")
}

/// Another merchant's endpoint is dead, and a thousand webhooks wait for it; at full length ten thousand, beside
/// 96 healthy endpoints.
#[tokio::test]
async fn a_dead_endpoints_backlog_does_not_delay_healthy_ones() -> Result<()> {
    let waiting = WAITING * scale().min(10);
    let (gateway, receiver) = (Gateway::start().await?, Receiver::start().await?);
    let keys = healthy(&gateway, &receiver, scale().min(6)).await?;
    let without = p99(&gateway, &receiver, &keys).await?;
    let dead = Receiver::start().await?;
    dead.close().await?;
    let as_other = async |method, path: &str, body| {
        let request = gateway.request(method, path).json(&body);
        let request = request.bearer_auth(gateway.other_merchant.test_key.as_str());
        let answer = gateway.send(request).await?;
        ensure!(answer.status == 200, "{}", answer.text);
        Ok(answer)
    };
    let made = as_other(Method::POST, "/v1/webhooks", json!({"url": dead.url("/")})).await?;
    let path = format!("/v1/webhooks/{}", made.at("/id"));
    let test = as_other(Method::POST, &format!("{path}/test"), json!({})).await?;
    let event = EventId::parse(test.at("/event_id")).context("no event")?;
    let endpoint = EndpointId::parse(made.at("/id")).context("no endpoint")?;
    let copies = sqlx::query(COPIES).bind(event.0).bind(endpoint.0);
    let copies = copies.bind(i32::try_from(waiting)?);
    let copies = copies.execute(gateway.database()).await?;
    assert_eq!(copies.rows_affected(), u64::try_from(waiting)?);
    let with = p99(&gateway, &receiver, &keys).await?;
    ensure!(
        with < without * 2 + Duration::from_millis(200),
        "p99 {with:?} with a dead endpoint, {without:?} without"
    );
    eprintln!(
        "measured: {waiting} webhooks of a dead endpoint: p99 {without:?} without, {with:?} with"
    );
    let left = "select count(*) from jobs where merchant_id = $1";
    let left = sqlx::query_scalar(left).bind(gateway.other_merchant.merchant_id.0);
    let left: i64 = left.fetch_one(gateway.database()).await?;
    ensure!(usize::try_from(left)? > waiting, "only {left} waited");
    as_other(Method::DELETE, &path, json!({})).await?;
    gateway.drain_within(drain_time()?).await?;
    gateway.finish().await
}
