//! Endpoints that fail: what they show, and when they are disabled.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Behaviour, Gateway, Receiver, cards, run_cases, until};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::signatures::check;
use crate::webhook_surfaces::{SURFACES, Surface};

const DAY: Duration = Duration::from_hours(24);
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        an_endpoint_shows_that_it_fails,
        an_endpoint_that_is_gone_is_disabled_and_the_others_receive_that,
        five_days_of_failure_disable_an_endpoint,
        what_waited_is_sent_when_the_endpoint_is_active_again,
        an_address_that_was_replaced_is_not_gone,
        the_wait_that_a_response_asks_for_is_kept,
    )
}

/// The fields of an endpoint about its health that are there.
async fn health(gateway: &Gateway, surface: Surface, path: &str) -> Result<Vec<&'static str>> {
    let shown = surface.get(gateway, path).await?;
    ensure!(shown.status == 200, "{}", shown.text);
    let names = [
        "failing_since",
        "failures",
        "paused_until",
        "last_success_at",
        "last_error",
        "last_error_at",
        "disabled_reason",
    ];
    let there = names.into_iter();
    let there = there.filter(|name| !surface.field(&shown.body, name).is_null());
    Ok(there.collect())
}

/// Sends a test event and waits for its attempt.
async fn test(gateway: &Gateway, surface: Surface, path: &str) -> Result<()> {
    let made = async || -> Result<usize> {
        Ok(surface.attempts(gateway, path, "?limit=100").await?.len())
    };
    let before = made().await?;
    let sent = surface
        .post(gateway, &format!("{path}/test"), &json!({}))
        .await?;
    ensure!(sent.status == 200, "{}", sent.text);
    until("the event was sent", SOON, async || {
        Ok((made().await? > before).then_some(()))
    })
    .await
}

async fn an_endpoint_shows_that_it_fails(gateway: &Gateway) -> Result<()> {
    for surface in SURFACES {
        let receiver = Receiver::start().await?;
        let url = receiver.url("/");
        let (path, _) = surface.register(gateway, &url, json!(["*"])).await?;
        assert_eq!(health(gateway, surface, &path).await?, [""; 0]);
        test(gateway, surface, &path).await?;
        assert_eq!(health(gateway, surface, &path).await?, ["last_success_at"]);
        receiver.behave(Behaviour::Status(503));
        for _ in 0..5 {
            test(gateway, surface, &path).await?;
        }
        let failing = [
            "failing_since",
            "failures",
            "paused_until",
            "last_success_at",
            "last_error",
            "last_error_at",
        ];
        assert_eq!(health(gateway, surface, &path).await?, failing);
        let shown = surface.get(gateway, &path).await?;
        assert_eq!(*surface.field(&shown.body, "failures"), 5);
        let error = surface.field(&shown.body, "last_error");
        assert_eq!(*error, "the endpoint responded with 503");
        receiver.behave(Behaviour::Status(200));
        test(gateway, surface, &path).await?;
        let works = ["last_success_at", "last_error", "last_error_at"];
        assert_eq!(health(gateway, surface, &path).await?, works);
        surface
            .send(gateway, Method::DELETE, &path, &json!({}))
            .await?;
    }
    Ok(())
}

/// The merchant's other endpoints, of every surface, receive the event in their own format, if they
/// subscribed to it or to everything.
async fn an_endpoint_that_is_gone_is_disabled_and_the_others_receive_that(
    gateway: &Gateway,
) -> Result<()> {
    for surface in SURFACES {
        let receiver = Receiver::start().await?;
        let register = |of: Surface, name: &str, events: Value| {
            let url = receiver.url(name);
            async move { of.register(gateway, &url, events).await }
        };
        let mut all = Vec::new();
        for of in SURFACES {
            all.push((of, register(of, "/all", json!(["*"])).await?));
        }
        let named = json!(["webhook_endpoint.disabled"]);
        all.push((surface, register(surface, "/named", named).await?));
        let other = if surface.webhooks == "/v2/webhooks" {
            json!(["payment.failed"])
        } else {
            json!(["*"])
        };
        let gone = Receiver::start().await?;
        gone.behave(Behaviour::Status(410));
        let (path, _) = surface.register(gateway, &gone.url("/"), other).await?;
        test(gateway, surface, &path).await?;
        let shown = surface.get(gateway, &path).await?;
        assert_eq!(shown.at("/status"), "disabled", "{}", shown.text);
        assert_eq!(*surface.field(&shown.body, "disabled_reason"), "gone");
        assert_eq!(gone.requests().len(), 1);
        let requests = receiver.wait_for(all.len()).await?;
        assert_eq!(requests.len(), all.len());
        for (_, (_, secret)) in &all {
            let own = requests
                .iter()
                .filter(|request| check(request, secret).is_ok());
            let own: Vec<_> = own.collect();
            let [request] = own.as_slice() else {
                anyhow::bail!("{} requests of an endpoint", own.len());
            };
            let event = request.json();
            assert_eq!(event["type"], "webhook_endpoint.disabled");
            let object = &event["data"]["object"];
            assert_eq!(object["id"], shown.body["id"], "{event}");
            ensure!(request.text.contains(r#""gone""#), "{}", request.text);
        }
        all.push((surface, (path, String::new())));
        for (of, (path, _)) in all {
            of.send(gateway, Method::DELETE, &path, &json!({})).await?;
        }
    }
    Ok(())
}

async fn five_days_of_failure_disable_an_endpoint(gateway: &Gateway) -> Result<()> {
    let surface = SURFACES[0];
    let (receiver, other) = (Receiver::start().await?, Receiver::start().await?);
    receiver.behave(Behaviour::Status(500));
    let (path, _) = surface
        .register(gateway, &receiver.url("/"), json!(["payment.failed"]))
        .await?;
    let named = json!(["webhook_endpoint.disabled"]);
    surface.register(gateway, &other.url("/"), named).await?;
    for _ in 0..5 {
        test(gateway, surface, &path).await?;
    }
    gateway.advance(4 * DAY + Duration::from_hours(23)).await?;
    test(gateway, surface, &path).await?;
    assert_eq!(surface.get(gateway, &path).await?.at("/status"), "active");
    assert_eq!(other.requests().len(), 0);
    gateway.advance(Duration::from_hours(2)).await?;
    test(gateway, surface, &path).await?;
    let shown = surface.get(gateway, &path).await?;
    let found = (shown.at("/status"), shown.at("/disabled_reason"));
    assert_eq!(found, ("disabled", "failing"), "{}", shown.text);
    assert_eq!(other.wait_for(1).await?.len(), 1);
    surface
        .send(gateway, Method::DELETE, &path, &json!({}))
        .await?;
    Ok(())
}

async fn what_waited_is_sent_when_the_endpoint_is_active_again(gateway: &Gateway) -> Result<()> {
    let surface = SURFACES[0];
    let receiver = Receiver::start().await?;
    receiver.behave(Behaviour::Status(410));
    let (path, _) = surface
        .register(gateway, &receiver.url("/"), json!(["payment.failed"]))
        .await?;
    surface.happen(gateway).await?;
    let first = receiver.wait_for(1).await?;
    receiver.behave(Behaviour::Status(200));
    // The delivery's turn comes and passes while the endpoint is disabled.
    gateway.advance(Duration::from_mins(2)).await?;
    gateway.drain().await?;
    let sent = receiver.requests().len();
    let active = json!({"status": "active"});
    let enabled = surface.send(gateway, Method::PATCH, &path, &active).await?;
    for name in [
        "failing_since",
        "failures",
        "paused_until",
        "disabled_reason",
    ] {
        ensure!(enabled.body[name].is_null(), "{name}: {}", enabled.text);
    }
    let again = receiver.wait_for(sent + 1).await?;
    let last = again.last().context("nothing was sent")?;
    assert_eq!(last.text, first.first().context("nothing was sent")?.text);
    gateway.drain().await
}

/// The response of the old address arrives after the merchant has changed it.
async fn an_address_that_was_replaced_is_not_gone(gateway: &Gateway) -> Result<()> {
    let surface = SURFACES[0];
    let (old, new) = (Receiver::start().await?, Receiver::start().await?);
    let (path, _) = surface
        .register(gateway, &old.url("/"), json!(["payment.failed"]))
        .await?;
    old.behave(Behaviour::SlowStatus(Duration::from_secs(2), 410));
    gateway.pay(cards::DECLINED).await?;
    old.wait_for(1).await?;
    let moved = json!({"url": new.url("/")});
    surface.send(gateway, Method::PATCH, &path, &moved).await?;
    until("the attempt is recorded", SOON, async || {
        let attempts = surface.attempts(gateway, &path, "").await?;
        Ok((!attempts.is_empty()).then_some(()))
    })
    .await?;
    assert_eq!(surface.get(gateway, &path).await?.at("/status"), "active");
    Ok(())
}

async fn the_wait_that_a_response_asks_for_is_kept(gateway: &Gateway) -> Result<()> {
    let surface = SURFACES[0];
    let receiver = Receiver::start().await?;
    let (path, _) = surface
        .register(gateway, &receiver.url("/"), json!(["payment.failed"]))
        .await?;
    let date = OffsetDateTime::now_utc() + Duration::from_mins(20);
    let date = date.format(&Rfc2822)?.replace("+0000", "GMT");
    for (status, asked, minutes) in [
        (429, "600", 10),
        (503, "600", 10),
        (503, date.as_str(), 20),
        (429, "1000000", 60),
        (429, "5", 1),
        (500, "600", 1),
    ] {
        receiver.behave(Behaviour::Full(status, asked.to_owned(), Vec::new()));
        gateway.pay(cards::DECLINED).await?;
        gateway.drain().await?;
        let attempts = surface.attempts(gateway, &path, "?limit=1").await?;
        let time = |name: &str| attempts[0][name].as_i64().context("no time");
        let wait = time("next_attempt")? - time("created")?;
        let (least, most) = (60 * minutes - 40, 66 * minutes + 1);
        ensure!((least..=most).contains(&wait), "{status} {asked}: {wait}");
        receiver.behave(Behaviour::Status(200));
        gateway.advance(Duration::from_hours(2)).await?;
        gateway.drain().await?;
    }
    surface
        .send(gateway, Method::DELETE, &path, &json!({}))
        .await?;
    Ok(())
}
