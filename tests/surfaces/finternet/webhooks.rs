//! Which endpoints receive events of intents.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{Gateway, Receiver, Request, cards, run_cases};

use super::{at, example, get, intent, pay, post};

/// The events that a path received, oldest first, as type and status before and after.
fn received(receiver: &Receiver, path: &str) -> Vec<(String, Option<String>, String)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut events: Vec<Value> = receiver
        .requests()
        .iter()
        .filter(|request| request.path == path)
        .map(Request::json)
        .collect();
    // Ids grow.
    events.sort_by_key(|event| text(&event["id"]));
    let shown = events.iter().map(|event| {
        let object = &event["data"]["object"];
        let kind = text(&event["type"]).unwrap_or_default();
        let status = text(&object["status"]).unwrap_or_default();
        (kind, text(&object["previous_status"]), status)
    });
    shown.collect()
}

async fn register(gateway: &Gateway, asked: &Value) -> Result<String> {
    let made = post(gateway, "/v1/webhooks", asked).await?;
    ensure!(made.status == 201, "{}: {}", made.status, made.text);
    Ok(made.at("/data/secret").to_owned())
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        an_endpoint_receives_every_change_of_status,
        an_endpoint_does_not_receive_other_surfaces_payments,
    )
}

async fn an_endpoint_receives_every_change_of_status(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let hook = |name: &str, events: Value| json!({"url": receiver.url(name), "events": events});
    let secret = register(gateway, &hook("/all", json!(["*"]))).await?;
    let created = json!(["payment_intent.created"]);
    register(gateway, &hook("/created", created)).await?;
    gateway
        .register("/v1/webhooks", &receiver.url("/paygate"))
        .await?;
    gateway
        .register("/v2/webhooks", &receiver.url("/finfusion"))
        .await?;

    let paid = intent(gateway, &example()).await?;
    pay(gateway, &paid, cards::DECLINED).await?;
    pay(gateway, &paid, cards::APPROVED).await?;
    let canceled = intent(gateway, &example()).await?;
    post(gateway, &at(&canceled, "/cancel"), &json!({})).await?;
    gateway.drain().await?;

    let new = (
        "payment_intent.created".to_owned(),
        None,
        "INITIATED".to_owned(),
    );
    let change = |from: &str, to: &str| {
        let kind = "payment_intent.status_changed".to_owned();
        (kind, Some(from.to_owned()), to.to_owned())
    };
    let expected = [
        new.clone(),
        change("PROCESSING", "REQUIRES_ACTION"),
        change("PROCESSING", "SUCCEEDED"),
        new.clone(),
        change("INITIATED", "CANCELED"),
    ];
    assert_eq!(received(&receiver, "/all"), expected);
    assert_eq!(received(&receiver, "/created"), [new.clone(), new]);
    assert_eq!(received(&receiver, "/paygate"), []);
    assert_eq!(received(&receiver, "/finfusion"), []);

    // The event has the object as it is read.
    let requests = receiver.requests();
    let succeeded = requests
        .iter()
        .find(|request| request.text.contains("\"SUCCEEDED\""));
    let succeeded = succeeded.context("no success was sent")?;
    check(succeeded, &secret)?;
    let mut sent = succeeded.json()["data"]["object"].clone();
    let mut read = get(gateway, &at(&paid, "")).await?.body["data"].clone();
    for object in [&mut sent, &mut read] {
        let members = object.as_object_mut().context("no object")?;
        members.remove("previous_status");
        // The worker's clock and the database's may be a second apart.
        members.remove("updated");
        members.remove("phases");
    }
    assert_eq!(sent, read);
    Ok(())
}

/// The plain signature, under the header that this contract names.
fn check(request: &Request, secret: &str) -> Result<()> {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(request.text.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    ensure!(
        request.header("finternet-signature") == signature,
        "a wrong signature"
    );
    Ok(())
}

async fn an_endpoint_does_not_receive_other_surfaces_payments(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    register(gateway, &json!({"url": receiver.url("/all")})).await?;
    gateway
        .register("/v1/webhooks", &receiver.url("/paygate"))
        .await?;
    gateway.pay(cards::APPROVED).await?;
    gateway.drain().await?;
    assert_eq!(received(&receiver, "/all"), []);
    let events = received(&receiver, "/paygate");
    assert!(events.iter().any(|(kind, ..)| kind == "payment.succeeded"));
    Ok(())
}
