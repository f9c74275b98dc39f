//! What merchants see of their webhooks and do with them, on every surface with endpoints: attempts and
//! resends.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use store::merchants::Credentials;
use tests::{Behaviour, Gateway, Receiver, Request, cards, run_cases};

use crate::signatures::check;
use crate::webhook_surfaces::SURFACES;

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        attempts_show_what_was_sent_and_what_came_back,
        attempts_are_listed_in_pages,
        attempts_belong_to_one_merchant_and_surface,
        an_event_that_arrived_is_sent_again,
        an_event_that_waits_is_sent_now,
        only_what_was_sent_is_sent_again,
    )
}

/// The response is hostile: control characters, no UTF-8, markup, and too long.
async fn attempts_show_what_was_sent_and_what_came_back(gateway: &Gateway) -> Result<()> {
    for surface in SURFACES {
        let receiver = Receiver::start().await?;
        let mut hostile = b"<b>no\0\x1b[31m\xff\r\n</b>".to_vec();
        hostile.resize(200_000, b'.');
        receiver.behave_in_turn([
            Behaviour::Full(500, String::new(), hostile),
            Behaviour::Full(200, String::new(), cards::APPROVED.into()),
        ]);
        let created = if surface.is_finternet {
            json!(["payment_intent.created"])
        } else {
            json!(["payment.failed"])
        };
        let (path, _) = surface
            .register(gateway, &receiver.url("/"), created)
            .await?;
        surface.happen(gateway).await?;
        gateway.advance(Duration::from_mins(2)).await?;
        gateway.drain().await?;
        let found = surface.attempts(gateway, &path, "").await?;
        let requests = receiver.requests();
        let [second, first] = found.as_slice() else {
            anyhow::bail!("{found:?}");
        };
        let of = |attempt, name| surface.field(attempt, name).clone();
        let (event, sent) = (
            requests.first().context("nothing was sent")?,
            requests.len(),
        );
        assert_eq!(sent, 2);
        for (attempt, number, status, code, error) in [
            (
                first,
                1,
                "failed",
                500,
                json!("the endpoint responded with 500"),
            ),
            (second, 2, "succeeded", 200, Value::Null),
        ] {
            assert_eq!(of(attempt, "event_id"), event.header("webhook-id"));
            assert_eq!(of(attempt, "event_type"), event.json()["type"]);
            assert_eq!(of(attempt, "attempt"), number);
            assert_eq!(attempt["status"], status);
            assert_eq!(of(attempt, "status_code"), code);
            assert_eq!(of(attempt, "error"), error);
            ensure!(of(attempt, "duration_ms").is_u64(), "{attempt}");
            let id = attempt["id"].as_str().unwrap_or_default();
            ensure!(id.starts_with("att_"), "{attempt}");
            let one = format!("{path}/attempts/{id}");
            assert_eq!(surface.get(gateway, &one).await?.body, *attempt);
        }
        let response = of(first, "response");
        let response = response.as_str().unwrap_or_default();
        ensure!(
            response.starts_with("<b>no  [31m\u{fffd}  </b>...") && response.len() == 1_024,
            "{response:?}"
        );
        let withheld = "[not stored: it holds what looks like a card number]";
        assert_eq!(of(second, "response"), withheld);
        let next = ["next_attempt", "next_attempt_at"]
            .map(|name| [of(first, name), of(second, name)])
            .map(|next| next.map(|next| !next.is_null()));
        ensure!(next.contains(&[true, false]), "{next:?}");
    }
    Ok(())
}

async fn attempts_are_listed_in_pages(gateway: &Gateway) -> Result<()> {
    for surface in SURFACES {
        let receiver = Receiver::start().await?;
        let (path, _) = surface
            .register(gateway, &receiver.url("/"), json!(["*"]))
            .await?;
        for status in [200, 500, 200, 500, 500] {
            receiver.behave(Behaviour::Status(status));
            surface
                .post(gateway, &format!("{path}/test"), &json!({}))
                .await?;
            gateway.drain().await?;
        }
        let ids = |attempts: &[Value]| -> Vec<String> {
            let ids = attempts.iter().map(|one| one["id"].to_string());
            ids.map(|id| id.trim_matches('"').to_owned()).collect()
        };
        let all = surface.attempts(gateway, &path, "").await?;
        let statuses: Vec<_> = all.iter().map(|one| one["status"].as_str()).collect();
        let expected = ["failed", "failed", "succeeded", "failed", "succeeded"];
        assert_eq!(statuses, expected.map(Some));
        let all = ids(&all);
        let after = |id: &str| format!("?limit=2&starting_after={id}");
        let [first, second, ..] = all.as_slice() else {
            anyhow::bail!("{all:?}");
        };
        let page = surface.attempts(gateway, &path, &after(second)).await?;
        assert_eq!(Some(ids(&page).as_slice()), all.get(2..4));
        let page = surface
            .attempts(gateway, &path, "?limit=2&status=failed")
            .await?;
        assert_eq!(ids(&page), [first.clone(), second.clone()]);
        let page = surface
            .attempts(gateway, &path, "?status=succeeded")
            .await?;
        assert_eq!(ids(&page).len(), 2);
        for wrong in ["status=x", "limit=101", "starting_after=att_1", "offset=1"] {
            let refused = surface
                .get(gateway, &format!("{path}/attempts?{wrong}"))
                .await?;
            assert_eq!(refused.status, 400, "{wrong}: {}", refused.text);
        }
        surface
            .send(gateway, Method::DELETE, &path, &json!({}))
            .await?;
    }
    Ok(())
}

/// Whatever the operation, another merchant's endpoint is missing, and so is one of another surface.
async fn attempts_belong_to_one_merchant_and_surface(gateway: &Gateway) -> Result<()> {
    for surface in SURFACES {
        let receiver = Receiver::start().await?;
        let (path, _) = surface
            .register(gateway, &receiver.url("/"), json!(["*"]))
            .await?;
        surface.happen(gateway).await?;
        let attempts = surface.attempts(gateway, &path, "").await?;
        let attempt = attempts.first().context("no attempt")?;
        let id = attempt["id"].as_str().unwrap_or_default();
        let event = json!({"event": surface.field(attempt, "event_id")});
        let nothing = json!({});
        for (method, rest, body) in [
            (Method::GET, "/attempts".to_owned(), &nothing),
            (Method::GET, format!("/attempts/{id}"), &nothing),
            (Method::POST, "/resend".to_owned(), &event),
            (Method::POST, "/test".to_owned(), &nothing),
            (Method::POST, "/roll-secret".to_owned(), &nothing),
        ] {
            let ask = |whose: &Credentials, path: &str| {
                let path = format!("{path}{rest}");
                gateway.send(surface.of(gateway, whose, method.clone(), &path).json(body))
            };
            let theirs = ask(&gateway.other_merchant, &path).await?;
            assert_eq!(theirs.status, 404, "{rest}: {}", theirs.text);
            let unknown = format!("{}/whk_0000000000000000000001", surface.webhooks);
            assert_eq!(
                ask(&gateway.merchant, &unknown).await?.status,
                404,
                "{rest}"
            );
        }
        let missing = format!("{path}/attempts/att_0000000000000000000001");
        assert_eq!(surface.get(gateway, &missing).await?.status, 404);
        // The other endpoint of the merchant does not show it.
        let (other, _) = surface
            .register(gateway, &receiver.url("/other"), json!(["*"]))
            .await?;
        let elsewhere = surface
            .get(gateway, &format!("{other}/attempts/{id}"))
            .await?;
        assert_eq!(elsewhere.status, 404, "{}", elsewhere.text);
        for path in [path, other] {
            surface
                .send(gateway, Method::DELETE, &path, &nothing)
                .await?;
        }
    }
    Ok(())
}

/// The id of the event that a request carried, as the body of a resend.
fn again(request: &Request) -> Value {
    json!({"event": request.header("webhook-id")})
}

async fn an_event_that_arrived_is_sent_again(gateway: &Gateway) -> Result<()> {
    for surface in SURFACES {
        let receiver = Receiver::start().await?;
        let (path, secret) = surface
            .register(gateway, &receiver.url("/"), json!(["*"]))
            .await?;
        surface.happen(gateway).await?;
        let first = receiver.requests();
        let first = first.first().context("nothing was sent")?;
        let resend = format!("{path}/resend");
        let keyed = || {
            let request = surface.of(gateway, &gateway.merchant, Method::POST, &resend);
            let request = request.json(&again(first)).header("Idempotency-Key", &path);
            gateway.send(request)
        };
        let sent = receiver.requests().len();
        let (asked, repeated) = (keyed().await?, keyed().await?);
        assert_eq!(asked.status, 200, "{}", asked.text);
        assert_eq!(repeated.text, asked.text);
        assert_eq!(repeated.header("idempotent-replayed"), "true");
        assert_eq!(asked.at("/status"), "pending");
        gateway.drain().await?;
        let requests = receiver.requests();
        assert_eq!(requests.len(), sent + 1);
        let last = requests.last().context("nothing was sent again")?;
        assert_eq!(last.header("webhook-id"), first.header("webhook-id"));
        assert_eq!(last.text, first.text);
        check(last, &secret)?;
        let attempts = surface.attempts(gateway, &path, "?limit=1").await?;
        assert_eq!(surface.field(&attempts[0], "attempt"), 1);
        surface
            .send(gateway, Method::DELETE, &path, &json!({}))
            .await?;
    }
    Ok(())
}

async fn an_event_that_waits_is_sent_now(gateway: &Gateway) -> Result<()> {
    let surface = SURFACES[0];
    let receiver = Receiver::start().await?;
    receiver.behave_in_turn([500, 200].map(Behaviour::Status));
    let (path, secret) = surface
        .register(gateway, &receiver.url("/"), json!(["payment.failed"]))
        .await?;
    surface.happen(gateway).await?;
    let first = receiver.wait_for(1).await?;
    let before = gateway.count("deliveries").await?;
    let body = again(&first[0]);
    let asked = surface
        .post(gateway, &format!("{path}/resend"), &body)
        .await?;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let requests = receiver.wait_for(2).await?;
    check(&requests[1], &secret)?;
    gateway.drain().await?;
    assert_eq!(gateway.count("deliveries").await?, before);
    let attempts = surface.attempts(gateway, &path, "").await?;
    assert_eq!(attempts[0]["attempt"], 2);
    assert_eq!(receiver.requests().len(), 2);
    Ok(())
}

async fn only_what_was_sent_is_sent_again(gateway: &Gateway) -> Result<()> {
    for surface in SURFACES {
        let receiver = Receiver::start().await?;
        let (path, _) = surface
            .register(gateway, &receiver.url("/"), json!(["*"]))
            .await?;
        surface.happen(gateway).await?;
        let sent = receiver.requests();
        let event = again(sent.first().context("nothing was sent")?);
        let (other, _) = surface
            .register(gateway, &receiver.url("/"), json!(["*"]))
            .await?;
        let unknown = json!({"event": "evt_0000000000000000000001"});
        for (path, body, status) in [
            (&path, &unknown, 404),
            (&other, &event, 404),
            (&path, &json!({"event": "evt_1"}), 400),
            (&path, &json!({}), 400),
            (&path, &json!({"event": event["event"], "now": true}), 400),
        ] {
            let refused = surface
                .post(gateway, &format!("{path}/resend"), body)
                .await?;
            assert_eq!(refused.status, status, "{body}: {}", refused.text);
        }
        let disabled = json!({"status": "disabled"});
        surface
            .send(gateway, Method::PATCH, &path, &disabled)
            .await?;
        for (rest, body) in [("resend", &event), ("test", &json!({}))] {
            let refused = surface
                .post(gateway, &format!("{path}/{rest}"), body)
                .await?;
            assert_eq!(refused.status, 400, "{rest}: {}", refused.text);
            ensure!(refused.text.contains("disabled"), "{}", refused.text);
        }
        gateway.drain().await?;
        assert_eq!(receiver.requests().len(), sent.len());
        surface
            .send(gateway, Method::DELETE, &other, &json!({}))
            .await?;
    }
    Ok(())
}
