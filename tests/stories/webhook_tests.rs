//! Test events, on every surface with endpoints.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::json;
use tests::{Behaviour, Gateway, Receiver, run_cases, until};
use tokio::time::timeout;

use crate::signatures::check;
use crate::webhook_surfaces::SURFACES;

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_test_event_goes_to_one_endpoint,
        one_test_event_waits_at_a_time,
        a_test_during_an_attempt_is_sent_after_it,
    )
}

async fn a_test_event_goes_to_one_endpoint(gateway: &Gateway) -> Result<()> {
    for surface in SURFACES {
        let receiver = Receiver::start().await?;
        surface
            .register(gateway, &receiver.url("/other"), json!(["*"]))
            .await?;
        let subscribed = json!(["webhook_endpoint.disabled"]);
        let (path, secret) = surface
            .register(gateway, &receiver.url("/tested"), subscribed)
            .await?;
        let asked = surface
            .post(gateway, &format!("{path}/test"), &json!({}))
            .await?;
        assert_eq!(asked.status, 200, "{}", asked.text);
        assert_eq!(
            surface.field(&asked.body, "event_type"),
            "webhook_endpoint.test"
        );
        gateway.drain().await?;
        let requests = receiver.requests();
        let [request] = requests.as_slice() else {
            anyhow::bail!("{requests:?}");
        };
        check(request, &secret)?;
        let event = request.json();
        assert_eq!(request.path, "/tested");
        assert_eq!(event["type"], "webhook_endpoint.test");
        assert_eq!(event["data"]["object"]["url"], receiver.url("/tested"));
        assert_eq!(*surface.field(&asked.body, "event_id"), event["id"]);
        ensure!(!request.text.contains("whsec_"), "{}", request.text);
        let subscribed = json!({"events": ["webhook_endpoint.test"], "url": receiver.url("/")});
        let refused = surface.post(gateway, surface.webhooks, &subscribed).await?;
        assert_eq!(refused.status, 400, "{}", refused.text);
    }
    Ok(())
}

/// However often an endpoint that fails is tested: a test that waits is sent again, and none is added.
async fn one_test_event_waits_at_a_time(gateway: &Gateway) -> Result<()> {
    for surface in SURFACES {
        let receiver = Receiver::start().await?;
        receiver.behave(Behaviour::Status(503));
        let (path, _) = surface
            .register(gateway, &receiver.url("/"), json!(["*"]))
            .await?;
        let (test, nothing) = (format!("{path}/test"), json!({}));
        let mut events = Vec::new();
        for number in 1..=2 {
            let together = (0..2).map(|_| surface.post(gateway, &test, &nothing));
            for asked in try_join_all(together).await? {
                assert_eq!(asked.status, 200, "{}", asked.text);
                events.push(surface.field(&asked.body, "event_id").clone());
            }
            until("the attempt is recorded", SOON, async || {
                let attempts = surface.attempts(gateway, &path, "").await?;
                Ok((attempts.len() >= number).then_some(()))
            })
            .await?;
        }
        events.dedup();
        assert_eq!(events.len(), 1, "{events:?}");
        receiver.behave(Behaviour::Status(200));
        surface.post(gateway, &test, &nothing).await?;
        gateway.drain().await?;
        let next = surface.post(gateway, &test, &nothing).await?;
        assert_ne!(events.first(), Some(surface.field(&next.body, "event_id")));
        gateway.drain().await?;
        surface
            .send(gateway, Method::DELETE, &path, &json!({}))
            .await?;
    }
    Ok(())
}

/// A merchant who corrects the endpoint while an attempt runs does not wait for the next one's usual time.
async fn a_test_during_an_attempt_is_sent_after_it(gateway: &Gateway) -> Result<()> {
    for surface in SURFACES {
        let receiver = Receiver::start().await?;
        let slow = Behaviour::SlowStatus(Duration::from_secs(2), 503);
        receiver.behave_in_turn([slow, Behaviour::Status(200)]);
        let (path, _) = surface
            .register(gateway, &receiver.url("/"), json!(["*"]))
            .await?;
        let (test, nothing) = (format!("{path}/test"), json!({}));
        surface.post(gateway, &test, &nothing).await?;
        receiver.wait_for_count(1).await?;
        surface.post(gateway, &test, &nothing).await?;
        timeout(SOON, receiver.wait_for_count(2)).await??;
        gateway.drain().await?;
        surface
            .send(gateway, Method::DELETE, &path, &json!({}))
            .await?;
    }
    Ok(())
}
