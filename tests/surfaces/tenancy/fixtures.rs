//! A merchant's objects, with marks in everything that a merchant may write.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Receiver, Response, cards, example};
use uuid::Uuid;

use super::requests::By;

/// Live objects, which no request can create here.
const LIVE: &str = r#"
    with c as (
        insert into customers (id, merchant_id, live, email, name, description, metadata) values
        ($2[1], $1, true, 'their-live-known@shop.example', 'their-live-customer',
         'their-live-customer-words', '{"note": "their-live-customer-note"}'),
        ($2[2], $1, true, 'their-live-payer@shop.example', 'their-live-payer', null, '{}')),
    p as (
        insert into payments (id, merchant_id, live, state, failure, amount, currency, exponent,
                              method, customer_id, description, metadata, checkout)
        select id, $1, true, 'expired', 'payment_expired', 1, 'USD', 2, 'card', payer, text, more, page
        from (values
            ($2[3], $2[2], 'their-live-order', '{"note": "their-live-order-note"}'::jsonb, null::jsonb),
            ($2[4], null, 'their-live-hosted', '{}',
             '{"items": ["their-live-item"], "return_url": "https://shop.example/their-live-back"}'))
            v(id, payer, text, more, page)
        returning id),
    h as (
        insert into payment_history (payment_id, version, event, state)
        select id, 0, 'expired', 'expired' from p),
    r as (
        insert into refunds (id, payment_id, merchant_id, live, state, amount, reason)
        values ($2[5], $2[3], $1, true, 'failed', 1, 'their-live-reason')),
    i as (
        insert into intents (id, merchant_id, live, amount, currency, exponent, kind,
            settlement_method, settlement_destination, description, metadata,
            delivery_period_seconds, auto_release)
        values ($2[6], $1, true, 1, 'USD', 2, 'conditional', 'off_ramp_mock', 'their-live-account',
                'their-live-intent', '{"note": "their-live-intent-note"}', 1, false)),
    w as (
        insert into webhook_endpoints (id, merchant_id, live, surface, url, metadata, events, status)
        select id, $1, true, surface, 'https://shop.example/their-live-hook',
               '{"note": "their-live-hook-note"}', '{*}', 'disabled'
        from (values ($2[7], 'paygate'), ($2[8], 'finfusion'), ($2[9], 'finternet')) v(id, surface)),
    k as (
        insert into idempotency_keys (merchant_id, live, key, fingerprint, subject_id)
        select $1, true, 'their-live-' || n, '', $2[3] from generate_series(1, 8) n)
    insert into events (id, merchant_id, live, type, subject, subject_id, data, data_version) values
    ($2[10], $1, true, 'payment.failed', 'payment', $2[3], '{}', 1),
    ($2[11], $1, true, 'payment.failed', 'payment', $2[4], '{}', 1),
    ($2[12], $1, true, 'refund.succeeded', 'refund', $2[5], '{}', 1)"#;

/// Removes the live objects, past the triggers that keep history and events: nothing but a gateway makes objects
/// that agree with each other.
pub async fn remove_live(gateway: &Gateway) -> Result<()> {
    let mut tx = gateway.database().begin().await?;
    for sql in [
        "set local session_replication_role = replica",
        "delete from payment_history h using payments p where p.id = h.payment_id and p.live",
        "delete from payments where live",
        "delete from refunds where live",
        "delete from intents where live",
        "delete from customers where live",
        "delete from events where live",
        "delete from idempotency_keys where live",
        "delete from webhook_endpoints where live",
    ] {
        sqlx::query(sql).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Creates objects with a key.
struct Maker<'a> {
    gateway: &'a Gateway,
    key: &'a str,
    whose: &'a str,
}

impl Maker<'_> {
    /// Creates an object, under an idempotency key that others use too.
    async fn create(&self, what: &str, by: By, path: &str, body: &Value) -> Result<Response> {
        let body = body.to_string().replace("their-test", self.whose);
        let request = self.gateway.request(Method::POST, path).body(body);
        let request = request.header("Content-Type", "application/json");
        let request = request.header("Idempotency-Key", what);
        let answer = self.gateway.send(by.show(request, self.key, None)).await?;
        let is_made = answer.status < 300 && answer.header("idempotent-replayed").is_empty();
        ensure!(is_made, "{what}: {} {}", answer.status, answer.text);
        Ok(answer)
    }
}

/// One object of each kind, and payments and intents created in each way.
pub async fn test(gateway: &Gateway, key: &str, receiver: &Receiver, whose: &str) -> Result<()> {
    let maker = Maker {
        gateway,
        key,
        whose,
    };
    let hook = json!({
        "url": receiver.url("/their-test-hook"), "metadata": {"note": "their-test-hook-note"},
    });
    maker
        .create("paygate-hook", By::Bearer, "/v1/webhooks", &hook)
        .await?;
    maker
        .create("finfusion-hook", By::Bearer, "/v2/webhooks", &hook)
        .await?;
    maker
        .create("finternet-hook", By::Header, "/v1/webhooks", &hook)
        .await?;
    let mut order = example(cards::APPROVED);
    order["customer"] =
        json!({"email": "their-test-payer@shop.example", "name": "their-test-payer"});
    order["description"] = "their-test-order".into();
    order["metadata"] = json!({"note": "their-test-order-note"});
    let paid = maker
        .create("payment", By::Bearer, "/v1/payments", &order)
        .await?;
    let path = format!("/v1/payments/{}/refund", paid.at("/id"));
    let back = json!({"amount": 100, "reason": "their-test-reason"});
    maker.create("refund", By::Bearer, &path, &back).await?;
    let hosted = json!({
        "amount": "5.00", "currency": "USD", "description": "their-test-hosted",
        "items": ["their-test-item"], "return_url": "https://shop.example/their-test-back",
    });
    maker
        .create("hosted", By::Basic, "/v1/payments/", &hosted)
        .await?;
    let customer = json!({
        "email": "their-test-known@shop.example", "name": "their-test-customer",
        "description": "their-test-customer-words", "metadata": {"note": "their-test-customer-note"},
    });
    maker
        .create("customer", By::Bearer, "/v1/customers", &customer)
        .await?;
    let intent = json!({
        "amount": "5.00", "currency": "USD", "type": "CONDITIONAL",
        "description": "their-test-intent", "metadata": {"note": "their-test-intent-note"},
        "settlementDestination": "their-test-account",
    });
    let intents = "/v1/payment-intents";
    maker.create("intent", By::Header, intents, &intent).await?;
    let paid = maker
        .create("paid-intent", By::Header, intents, &intent)
        .await?;
    let path = format!("{intents}/public/{}/payment", paid.at("/id"));
    let card =
        json!({"cardNumber": cards::APPROVED, "expiry": "12/30", "cvv": "123", "name": "John Doe"});
    maker
        .create("card", By::Header, &path, &json!({"card": card}))
        .await?;
    let path = format!("{intents}/{}/refunds", paid.at("/id"));
    let back = json!({"amount": "1.00", "reason": "their-test-intent-reason"});
    maker
        .create("intent-refund", By::Header, &path, &back)
        .await?;
    gateway.drain().await
}

/// The same in live mode, written as rows.
pub async fn live(gateway: &Gateway, merchant: Uuid) -> Result<()> {
    let ids: Vec<Uuid> = (0..12).map(|_| store::new_id()).collect();
    let made = sqlx::query(LIVE).bind(merchant).bind(ids);
    made.execute(gateway.database()).await?;
    Ok(())
}
