//! Idempotency keys of objects that no worker processes: customers, intents, webhook endpoints.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Receiver, Response, run_cases};

const DAY: Duration = Duration::from_hours(24);

/// A POST or another request with a credential.
async fn send_with_key(
    gateway: &Gateway,
    (method, path): (Method, &str),
    body: &Value,
    (credential, key): (&str, Option<&str>),
) -> Result<Response> {
    // One kind of key for all: finternet's, where the path is shared, and finfusion's below /v2.
    let mut request = gateway.request(method, path).json(body);
    request = if path.starts_with("/v1/webhooks") || path.contains("/payment-intents") {
        request.header("X-API-Key", credential)
    } else {
        request.bearer_auth(credential)
    };
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    gateway.send(request).await
}

/// Something each surface makes in one transaction, at a path.
fn made_at_once(url: &str) -> [(&'static str, Value); 6] {
    let customer = json!({"email": "ada@example.com", "name": "Ada"});
    let endpoint = json!({"url": url, "metadata": {"team": "shop"}});
    [
        ("/v1/customers", customer.clone()),
        ("/v2/customers", customer),
        (
            "/v1/payment-intents",
            json!({"amount": "10.00", "currency": "USDC", "type": "CONDITIONAL"}),
        ),
        ("/v1/webhooks", endpoint.clone()),
        ("/api/v1/webhooks", endpoint.clone()),
        ("/v2/webhooks", endpoint),
    ]
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_known_customer_is_changed_once,
        a_replayed_registration_is_unchanged_whatever_became_of_it,
        a_key_belongs_to_one_merchant_and_mode_for_a_day,
    )
}

async fn a_known_customer_is_changed_once(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let asked = json!({"url": receiver.url("/"), "events": ["customer.updated"]});
    gateway.register_as("/v1/webhooks", &asked).await?;
    let known = json!({"email": "ada@example.com", "name": "Ada"});
    let made = gateway.post("/v1/customers", &known).await?;
    let changed = json!({"email": "ada@example.com", "name": "Ada Lovelace"});
    let requests = (0..8).map(|_| {
        let request = gateway.posting("/v1/customers", &changed);
        gateway.send(request.header("Idempotency-Key", "rename"))
    });
    let answers = try_join_all(requests).await?;
    let first = answers.first().context("no answer")?;
    assert_eq!((first.status, first.at("/id")), (200, made.at("/id")));
    assert!(answers.iter().all(|answer| answer.text == first.text));

    // A replayed old request does not undo a later change.
    let path = format!("/v1/customers/{}", made.at("/id"));
    let later = json!({"name": "Countess"});
    let credential = gateway.merchant.test_key.as_str();
    send_with_key(gateway, (Method::PATCH, &path), &later, (credential, None)).await?;
    let request = gateway.posting("/v1/customers", &changed);
    let again = gateway
        .send(request.header("Idempotency-Key", "rename"))
        .await?;
    assert_eq!(again.text, first.text);
    assert_eq!(gateway.get(&path).await?.at("/name"), "Countess");

    gateway.drain().await?;
    let webhooks = receiver.requests();
    let mut names: Vec<_> = webhooks
        .iter()
        .map(|one| one.json()["data"]["object"]["name"].clone())
        .collect();
    names.sort_by_key(Value::to_string);
    assert_eq!(names, ["Ada Lovelace", "Countess"]);
    Ok(())
}

async fn a_replayed_registration_is_unchanged_whatever_became_of_it(
    gateway: &Gateway,
) -> Result<()> {
    let receiver = Receiver::start().await?;
    let by = gateway.merchant.test_key.as_str();
    let endpoints = made_at_once(&receiver.url("/")).into_iter();
    for (path, body) in endpoints.filter(|(path, _)| path.contains("webhooks")) {
        let key = Some("hook");
        let first = send_with_key(gateway, (Method::POST, path), &body, (by, key)).await?;
        assert!(matches!(first.status, 200 | 201), "{path}: {}", first.text);
        assert!(first.text.contains(r#""secret":"whsec_"#), "{}", first.text);
        let one = format!("{path}/{}", first.at("/id"));
        let change = json!({"metadata": {"team": "another"}, "status": "disabled"});
        let changed = send_with_key(gateway, (Method::PATCH, &one), &change, (by, None)).await?;
        assert_eq!(changed.status, 200, "{one}: {}", changed.text);
        let gone = send_with_key(gateway, (Method::DELETE, &one), &json!({}), (by, None)).await?;
        assert_eq!(gone.status, 200, "{one}: {}", gone.text);
        let again = send_with_key(gateway, (Method::POST, path), &body, (by, key)).await?;
        assert_eq!(
            (again.status, &again.text),
            (first.status, &first.text),
            "{path}"
        );
        assert_eq!(again.header("idempotent-replayed"), "true", "{path}");
        gateway.advance(DAY).await?;
    }
    for body in gateway.stored_responses().await? {
        let body = body.context("a response is not stored")?;
        ensure!(!body.contains("whsec"), "a secret is stored: {body}");
    }
    Ok(())
}

async fn a_key_belongs_to_one_merchant_and_mode_for_a_day(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let (ours, theirs) = (&gateway.merchant, &gateway.other_merchant);
    for (number, (path, body)) in made_at_once(&receiver.url("/")).into_iter().enumerate() {
        let key = format!("one-{number}");
        let send_with_key = async |by: &str| {
            send_with_key(gateway, (Method::POST, path), &body, (by, Some(&key))).await
        };
        let is_replay = |answer: &Response| answer.header("idempotent-replayed") == "true";
        let first = send_with_key(&ours.test_key).await?;
        assert!(matches!(first.status, 200 | 201), "{path}: {}", first.text);
        assert!(!is_replay(&first), "{path}");
        assert!(is_replay(&send_with_key(&ours.test_key).await?), "{path}");
        let other = send_with_key(&theirs.test_key).await?;
        assert_eq!((other.status, is_replay(&other)), (first.status, false));
        // Intents cannot be made in live mode, and nothing of theirs uses the key up; endpoints
        // there must be on public addresses.
        if path.contains("customers") {
            let live = send_with_key(&ours.live_key).await?;
            assert_eq!((live.status, is_replay(&live)), (first.status, false));
            assert_ne!(live.at("/id"), first.at("/id"), "{path}");
        }
        gateway.advance(DAY).await?;
        let next = send_with_key(&ours.test_key).await?;
        assert_eq!((next.status, is_replay(&next)), (first.status, false));
    }
    Ok(())
}
