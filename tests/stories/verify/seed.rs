//! Payments, refunds, intents, customers, deliveries and jobs in every state, by a whole gateway.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Behaviour, Gateway, Process, Receiver, Response, cards, example, until};

const HOUR: Duration = Duration::from_hours(1);
const SOON: Duration = Duration::from_secs(20);

/// A payment with this amount in cents.
fn of(cents: u32, card: &str) -> Value {
    let mut payment = example(card);
    payment["amount"] = cents.into();
    payment
}

/// Sends a request that must be accepted.
async fn accepted(gateway: &Gateway, path: &str, body: &Value) -> Result<Response> {
    let key = gateway.merchant.test_key.as_str();
    accepted_by(gateway, key, path, body, None).await
}

async fn accepted_by(
    gateway: &Gateway,
    merchant: &str,
    path: &str,
    body: &Value,
    key: Option<&str>,
) -> Result<Response> {
    let request = gateway.request(Method::POST, path).json(body);
    let request = if path.starts_with("/v1/payment-intents") {
        request.header("X-API-Key", merchant)
    } else {
        request.bearer_auth(merchant)
    };
    let request = match key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    };
    let response = gateway.send(request).await?;
    ensure!(response.status < 300, "{path}: {}", response.text);
    Ok(response)
}

/// Everything that takes days: an expired payment, deliveries that were given up, watched attempts.
async fn old(gateway: &Gateway) -> Result<()> {
    let without_card = json!({"amount": 700, "currency": "USD", "payment_method": "card"});
    accepted(gateway, "/v1/payments", &without_card).await?;
    for card in [cards::DECLINED, cards::RESETS, cards::UNCAPTURABLE] {
        accepted(gateway, "/v1/payments", &of(1_050, card)).await?;
    }
    gateway.drain().await?;
    // Longer than a payment without card may wait, and than each wait of a delivery.
    for hours in [25, 7, 7, 7, 7, 7, 7] {
        gateway.advance(HOUR * hours).await?;
        gateway.drain().await?;
    }
    Ok(())
}

/// An intent, and an attempt to pay it with each card.
async fn intent(gateway: &Gateway, merchant: &str, cards: &[&str]) -> Result<String> {
    let new = json!({"amount": "50.00", "currency": "USDC", "type": "CONDITIONAL"});
    let intent = accepted_by(gateway, merchant, "/v1/payment-intents", &new, None).await?;
    let id = intent.at("/id").to_owned();
    for card in cards {
        let card = json!({"cardNumber": card, "expiry": "12/25", "cvv": "123", "name": "John Doe"});
        let path = format!("/v1/payment-intents/public/{id}/payment");
        let paid = gateway.post(&path, &json!({"card": card})).await?;
        ensure!(
            [200, 400].contains(&paid.status),
            "{} {}",
            paid.status,
            paid.text
        );
    }
    Ok(id)
}

async fn paid(gateway: &Gateway) -> Result<()> {
    let (key, other) = (&gateway.merchant.test_key, &gateway.other_merchant.test_key);
    // The fee is 2.9 %: of 5.00 and 15.00 it has half a cent, which goes to the even neighbour.
    for (order, cents) in (0..).zip([5_000, 500, 1_500, 1_234_567]) {
        let (body, order) = (of(cents, cards::APPROVED), format!("order-{order}"));
        accepted_by(gateway, key, "/v1/payments", &body, Some(&order)).await?;
    }
    for card in [
        cards::CAPTURES_WITHOUT_RESPONSE,
        cards::APPROVES_THEN_RESETS,
        cards::INSUFFICIENT_FUNDS,
    ] {
        accepted(gateway, "/v1/payments", &of(990, card)).await?;
    }
    for (card, amounts) in [
        (cards::APPROVED, [100, 4_900]),
        (cards::UNREFUNDABLE, [100, 200]),
    ] {
        let paid = accepted(gateway, "/v1/payments", &of(5_000, card)).await?;
        for amount in amounts {
            let path = format!("/v1/payments/{}/refund", paid.at("/id"));
            accepted(gateway, &path, &json!({"amount": amount})).await?;
        }
    }
    let without_card = json!({"amount": 700, "currency": "JPY", "payment_method": "card"});
    accepted(gateway, "/v1/payments", &without_card).await?;
    accepted(
        gateway,
        "/v1/customers",
        &json!({"email": "ada@example.com"}),
    )
    .await?;
    accepted_by(
        gateway,
        other,
        "/v1/payments",
        &of(5_000, cards::APPROVED),
        None,
    )
    .await?;
    let customer = json!({"email": "grace@example.com"});
    accepted_by(gateway, other, "/v1/customers", &customer, Some("customer")).await?;
    intent(gateway, other, &[cards::DECLINED]).await?;
    intent(gateway, other, &[cards::DECLINED, cards::APPROVED]).await?;
    intent(gateway, key, &[]).await?;
    let canceled = intent(gateway, key, &[cards::DECLINED]).await?;
    accepted(
        gateway,
        &format!("/v1/payment-intents/{canceled}/cancel"),
        &json!({}),
    )
    .await?;
    let paid = intent(gateway, key, &[cards::APPROVED]).await?;
    let path = format!("/v1/payment-intents/{paid}/refunds");
    accepted(gateway, &path, &json!({"amount": "1.00"})).await?;
    Ok(())
}

/// Leaves a capture, authorizations and a refund in progress: the acquirer hangs.
async fn in_progress(gateway: &Gateway) -> Result<()> {
    let paid = accepted(gateway, "/v1/payments", &of(5_000, cards::APPROVED)).await?;
    accepted(
        gateway,
        "/v1/payments",
        &of(880, cards::CAPTURES_WITHOUT_RESPONSE),
    )
    .await?;
    until("a payment is capturing", SOON, async || {
        let payments = gateway.payments().await?;
        Ok(payments
            .iter()
            .any(|one| one.state == "capturing")
            .then_some(()))
    })
    .await?;
    gateway.stop(Process::Sandbox).await?;
    accepted(gateway, "/v1/payments", &of(770, cards::APPROVED)).await?;
    intent(gateway, &gateway.merchant.test_key, &[cards::APPROVED]).await?;
    let path = format!("/v1/payments/{}/refund", paid.at("/id"));
    accepted(gateway, &path, &json!({"amount": 100})).await?;
    Ok(())
}

/// Makes one or more of everything, and stops all processes in the middle of their work.
pub async fn seed(gateway: &Gateway) -> Result<()> {
    let (working, failing) = (Receiver::start().await?, Receiver::start().await?);
    failing.behave(Behaviour::Status(500));
    let all = |receiver: &Receiver, path| json!({"url": receiver.url(path), "events": ["*"]});
    for body in [all(&working, "/"), all(&failing, "/")] {
        gateway.register_as("/v1/webhooks", &body).await?;
    }
    let deleted = gateway
        .register_as("/v1/webhooks", &all(&failing, "/deleted"))
        .await?;
    let failed = json!({"url": working.url("/other"), "events": ["payment.failed"]});
    let other = &gateway.other_merchant.test_key;
    accepted_by(gateway, other, "/v1/webhooks", &failed, None).await?;
    // Long before the first event, so that each must have its deliveries.
    let earlier = "update webhook_endpoints set updated_at = updated_at - interval '1 hour'";
    sqlx::query(earlier).execute(gateway.database()).await?;
    old(gateway).await?;
    paid(gateway).await?;
    gateway.drain().await?;
    let path = format!("/v1/webhooks/{}", deleted.id);
    let delete = gateway.request(Method::DELETE, &path);
    let delete = delete.bearer_auth(gateway.merchant.test_key.as_str());
    ensure!(gateway.send(delete).await?.status < 300, "{path}");
    gateway
        .verify()
        .await
        .context("before anything is in progress")?;
    in_progress(gateway).await?;
    for process in Process::FIRST {
        if process != Process::Sandbox {
            gateway.kill(process)?;
        }
    }
    Ok(())
}

/// Lets the processes end their work.
pub async fn end(gateway: Gateway) -> Result<()> {
    gateway.cont(Process::Sandbox).await?;
    let ours = Process::FIRST
        .into_iter()
        .filter(|process| *process != Process::Sandbox);
    gateway.launch(&ours.collect::<Vec<_>>()).await?;
    // The claims of the killed processes ended with their sessions.
    gateway.advance(HOUR * 7).await?;
    gateway.finish().await
}
