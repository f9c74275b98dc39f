//! Nobody reads, lists, changes or refunds what is another merchant's, or of the other mode, by any
//! route of any surface.

use anyhow::{Context, Result, ensure};
use domain::id::{CustomerId, EndpointId, IntentId, PaymentId, RefundId};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row};
use store::merchants::Credentials;
use tests::{Answer, Gateway, example};
use uuid::Uuid;

use super::CARD;

/// How a surface's clients show their key.
#[derive(Debug, Clone, Copy)]
enum By {
    Bearer,
    Basic,
    Header,
}

/// A route as it is called for somebody else's things: `{payment}` and the like stand for their ids.
struct Route {
    by: By,
    call: &'static str,
    body: &'static str,
}

const fn read(by: By, call: &'static str) -> Route {
    Route { by, call, body: "" }
}

const fn write(by: By, call: &'static str, body: &'static str) -> Route {
    Route { by, call, body }
}

const PROOF: &str = r#"{"proofHash": "0x0000000000000000000000000000000000000000000000000000000000000001",
    "submittedBy": "0x0000000000000000000000000000000000000001"}"#;
const SIGNED: &str =
    r#"{"signature": "0x01", "payerAddress": "0x0000000000000000000000000000000000000001"}"#;
const DISPUTE: &str =
    r#"{"reason": "mine", "raisedBy": "0x0000000000000000000000000000000000000001"}"#;
const MILESTONE: &str = r#"{"milestoneIndex": 0, "amount": "1.00"}"#;
const COMPLETED: &str = r#"{"completedBy": "0x0000000000000000000000000000000000000001"}"#;
const TAKEN: &str = r#"{"email": "payer@theirs.example"}"#;
const MOVED: &str = r#"{"url": "http://127.0.0.1:9/mine"}"#;
const STOLEN: &str = r#"{"payment_id": "{payment}", "charge_id": "{payment}", "amount": "1.00"}"#;

/// Every route of a known caller. What may be open to whoever holds an id is not among them.
const ROUTES: [Route; 60] = [
    // finternet
    read(By::Header, "GET /v1/payment-intents"),
    read(By::Header, "GET /v1/payment-intents?limit=100"),
    read(
        By::Header,
        "GET /v1/payment-intents?starting_after={intent}",
    ),
    read(By::Header, "GET /v1/payment-intents/{intent}"),
    read(By::Header, "GET /v1/payment-intents/{intent}/escrow"),
    read(By::Header, "GET /v1/payment-intents/account/balance"),
    read(By::Header, "GET /v1/payment-intents/account/ledger-entries"),
    read(
        By::Header,
        "GET /v1/payment-intents/account/ledger-entries?paymentIntentId={intent}",
    ),
    write(By::Header, "POST /v1/payment-intents/{intent}/cancel", "{}"),
    write(
        By::Header,
        "POST /v1/payment-intents/{intent}/confirm",
        SIGNED,
    ),
    write(
        By::Header,
        "POST /v1/payment-intents/{intent}/escrow/delivery-proof",
        PROOF,
    ),
    write(
        By::Header,
        "POST /v1/payment-intents/{intent}/escrow/dispute",
        DISPUTE,
    ),
    write(
        By::Header,
        "POST /v1/payment-intents/{intent}/escrow/milestones",
        MILESTONE,
    ),
    write(
        By::Header,
        "POST /v1/payment-intents/{intent}/escrow/milestones/milestone_1/complete",
        COMPLETED,
    ),
    read(By::Header, "GET /v1/webhooks"),
    read(By::Header, "GET /v1/webhooks/{endpoint}"),
    write(By::Header, "PATCH /v1/webhooks/{endpoint}", MOVED),
    write(By::Header, "PUT /v1/webhooks/{endpoint}", MOVED),
    read(By::Header, "DELETE /v1/webhooks/{endpoint}"),
    // paygate
    read(By::Bearer, "GET /v1/payments"),
    read(By::Bearer, "GET /v1/payments/{payment}"),
    read(By::Bearer, "GET /v1/transactions"),
    read(
        By::Bearer,
        "GET /v1/transactions?limit=100&status=succeeded",
    ),
    read(By::Bearer, "GET /v1/transactions?starting_after={payment}"),
    write(By::Bearer, "POST /v1/payments/{payment}/refund", "{}"),
    write(
        By::Bearer,
        "POST /v1/payments/{payment}/refund",
        r#"{"amount": 100}"#,
    ),
    read(By::Bearer, "GET /v1/customers"),
    read(By::Bearer, "GET /v1/customers/{customer}"),
    write(By::Bearer, "POST /v1/customers", TAKEN),
    write(
        By::Bearer,
        "PATCH /v1/customers/{customer}",
        r#"{"name": "Mallory"}"#,
    ),
    read(By::Bearer, "GET /v1/webhooks"),
    read(By::Bearer, "GET /v1/webhooks/{endpoint}"),
    write(By::Bearer, "PATCH /v1/webhooks/{endpoint}", MOVED),
    read(By::Bearer, "DELETE /v1/webhooks/{endpoint}"),
    // finfusion
    read(By::Bearer, "GET /v2/payments"),
    read(By::Bearer, "GET /v2/payments?limit=100"),
    read(By::Bearer, "GET /v2/payments/{payment}"),
    write(By::Bearer, "POST /v2/payments/{payment}/refund", "{}"),
    write(By::Bearer, "POST /v2/customers", TAKEN),
    read(By::Bearer, "GET /v2/customers/{cust}"),
    read(By::Bearer, "GET /v2/customers/{customer}"),
    write(
        By::Bearer,
        "PATCH /v2/customers/{cust}",
        r#"{"name": "Mallory"}"#,
    ),
    read(By::Bearer, "GET /v2/webhooks"),
    read(By::Bearer, "GET /v2/webhooks/{endpoint}"),
    write(By::Bearer, "PATCH /v2/webhooks/{endpoint}", MOVED),
    read(By::Bearer, "DELETE /v2/webhooks/{endpoint}"),
    // fourgeeks
    read(By::Basic, "GET /v1/payments/"),
    read(By::Basic, "GET /v1/payments/?test=false"),
    read(By::Basic, "GET /v1/payments/internal?test=true"),
    read(By::Basic, "GET /v1/payments/{payment}"),
    read(By::Basic, "GET /v1/payments/{payment_uuid}"),
    read(By::Basic, "GET /v1/payments/{payment}?test=false"),
    read(By::Basic, "GET /v1/customers"),
    read(By::Basic, "GET /v1/customers/{customer}"),
    write(By::Basic, "POST /v1/customers", TAKEN),
    read(By::Basic, "GET /v1/refunds"),
    read(By::Basic, "GET /v1/refunds/{refund}"),
    write(By::Basic, "POST /v1/refunds", STOLEN),
    write(By::Basic, "POST /v1/refunds/", STOLEN),
    write(By::Basic, "POST /v1/payments/{payment}/refund", "{}"),
];

/// Somebody's things in one mode.
struct Theirs {
    payment: PaymentId,
    customer: CustomerId,
    refund: RefundId,
    intent: IntentId,
    endpoint: EndpointId,
}

/// What stands in their things and may reach nobody else.
const MARKS: [&str; 4] = [
    "Their payer",
    "Their order",
    "their-account",
    "http://127.0.0.1:9/theirs",
];

impl Theirs {
    fn named(&self, text: &str) -> String {
        let customer = self.customer.to_string();
        text.replace("{payment}", &self.payment.to_string())
            .replace("{payment_uuid}", &self.payment.0.to_string())
            .replace("{cust}", &customer.replace("cus_", "cust_"))
            .replace("{customer}", &customer)
            .replace("{refund}", &self.refund.to_string())
            .replace("{intent}", &self.intent.to_string())
            .replace("{endpoint}", &self.endpoint.to_string())
    }

    /// What an answer may not hold; what the request itself said may come back.
    fn leak(&self, asked: &str, answer: &Answer, marks: &[&str]) -> Option<String> {
        let ids = [
            "{payment}",
            "{payment_uuid}",
            "{customer}",
            "{cust}",
            "{refund}",
            "{intent}",
            "{endpoint}",
        ];
        let ids = ids.map(|id| self.named(id));
        let mut theirs = ids
            .into_iter()
            .chain(marks.iter().map(|mark| (*mark).to_owned()));
        theirs.find(|text| !asked.contains(text) && answer.text.contains(text))
    }

    /// A payment that was paid, and everything that no request makes here.
    async fn make(gateway: &Gateway, whose: &Credentials, live: bool) -> Result<Self> {
        let payment = if live {
            None
        } else {
            Some(paid(gateway, whose).await?)
        };
        let theirs = Self {
            payment: payment.unwrap_or(PaymentId(store::fresh_id())),
            customer: CustomerId(store::fresh_id()),
            refund: RefundId(store::fresh_id()),
            intent: IntentId(store::fresh_id()),
            endpoint: EndpointId(store::fresh_id()),
        };
        sqlx::query(
            "with c as (
                 insert into customers (id, merchant_id, live, name, description)
                 values ($1, $6, $7, 'Their payer', 'Their order')),
             i as (
                 insert into intents (id, merchant_id, live, amount, currency, exponent, kind,
                     settlement_method, settlement_destination, description,
                     delivery_period_seconds, auto_release)
                 values ($2, $6, $7, 1, 'USD', 2, 'conditional', 'off_ramp_mock', 'their-account',
                         'Their order', 1, false)),
             w as (
                 insert into webhook_endpoints (id, merchant_id, live, surface, url, events, status)
                 select case when s = 'paygate' then $3 else gen_random_uuid() end, $6, $7, s,
                        'http://127.0.0.1:9/theirs', '{*}', 'disabled'
                 from unnest(array['paygate', 'finfusion', 'finternet']) s),
             p as (
                 insert into payments (id, merchant_id, live, state, failure, amount, currency,
                                       exponent, method, description)
                 select $4, $6, $7, 'expired', 'payment_expired', 1, 'USD', 2, 'card', 'Their order'
                 where $7),
             h as (
                 insert into payment_history (payment_id, version, event, state)
                 select $4, 0, 'expired', 'expired' where $7),
             r as (
                 insert into refunds (id, payment_id, merchant_id, live, state, amount, reason)
                 values ($5, $4, $6, $7, 'failed', 1, 'Their order'))
             insert into events (id, merchant_id, live, kind, payment_id, refund_id, notice)
             select gen_random_uuid(), $6, $7, kind, payment_id, refund_id, '{}'
             from (values ('payment.failed', $4, null::uuid), ('refund.settled', null, $5))
                  e(kind, payment_id, refund_id)
             where refund_id is not null or $7",
        )
        .bind(theirs.customer.0)
        .bind(theirs.intent.0)
        .bind(theirs.endpoint.0)
        .bind(theirs.payment.0)
        .bind(theirs.refund.0)
        .bind(whose.merchant_id.0)
        .bind(live)
        .execute(gateway.database())
        .await?;
        Ok(theirs)
    }
}

async fn paid(gateway: &Gateway, whose: &Credentials) -> Result<PaymentId> {
    let mut body = example(CARD);
    body["customer"] = serde_json::json!({"email": "payer@theirs.example", "name": "Their payer"});
    body["description"] = "Their order".into();
    let request = gateway.request(Method::POST, "/v1/payments").json(&body);
    let answer = gateway
        .send(request.bearer_auth(whose.test_key.as_str()))
        .await?;
    ensure!(answer.status == 200, "{}", answer.text);
    PaymentId::parse(answer.at("/id")).context("no id")
}

fn request(
    gateway: &Gateway,
    base: &str,
    route: &Route,
    theirs: &Theirs,
    key: &str,
) -> Result<RequestBuilder> {
    let call = theirs.named(route.call);
    let (method, path) = call.split_once(' ').context("no method")?;
    let request = gateway.request(method.parse()?, &format!("{base}{path}"));
    let request = match route.by {
        By::Bearer => request.bearer_auth(key),
        By::Basic => request.basic_auth(key, Some("")),
        By::Header => request.header("X-API-Key", key),
    };
    if route.body.is_empty() {
        return Ok(request);
    }
    let body: Value = serde_json::from_str(&theirs.named(route.body))?;
    Ok(request.json(&body))
}

/// Every row that is a merchant's, as text: by its own name, or through what it belongs to.
async fn rows(gateway: &Gateway, whose: Uuid) -> Result<Vec<String>> {
    let by = [
        ("merchant_id", "$1"),
        (
            "payment_id",
            "select id from payments where merchant_id = $1",
        ),
        (
            "endpoint_id",
            "select id from webhook_endpoints where merchant_id = $1",
        ),
    ];
    let mut all = Vec::new();
    for (column, owner) in by {
        let tables = sqlx::query(
            "select table_name::text from information_schema.columns
             where table_schema = 'public' and column_name = $1",
        );
        for table in tables.bind(column).fetch_all(gateway.database()).await? {
            let table: String = table.try_get(0)?;
            let sql = format!(
                "select '{table} ' || to_jsonb(t)::text from {table} t where {column} in ({owner})"
            );
            let rows = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql));
            all.extend(rows.bind(whose).fetch_all(gateway.database()).await?);
        }
    }
    all.sort();
    Ok(all)
}

#[tokio::test]
async fn what_is_anothers_is_out_of_reach_by_every_route() -> Result<()> {
    let gateway = Gateway::start().await?;
    let (mine, other) = (&gateway.merchant, &gateway.other_merchant);
    let (test, live) = (
        Theirs::make(&gateway, other, false).await?,
        Theirs::make(&gateway, other, true).await?,
    );
    gateway.settle().await?;
    let before = rows(&gateway, other.merchant_id.0).await?;
    ensure!(before.len() > 20, "{before:#?}");
    let cases = [
        (&test, [&mine.test_key, &mine.live_key, &other.live_key]),
        (&live, [&mine.test_key, &mine.live_key, &other.test_key]),
    ];
    for (theirs, keys) in cases {
        for (who, key) in ["mine", "my live one", "the other mode's"].iter().zip(keys) {
            for (at, route) in ROUTES.iter().enumerate() {
                let base = ["", "/api"].get(at % 2).unwrap_or(&"");
                let said = format!("{} {}", route.call, route.body);
                let named = theirs.named(&said);
                let is_about_them = named != said;
                let is_other_mode = *who == "the other mode's";
                if is_other_mode && !is_about_them && !route.call.starts_with("GET") {
                    continue;
                }
                let asked = request(&gateway, base, route, theirs, key)?;
                let answer = gateway.send(asked).await?;
                let what = format!("{who}: {}: {} {}", route.call, answer.status, answer.text);
                // In the other mode its own merchant has things that look the same.
                let marks = if is_other_mode { &[][..] } else { &MARKS };
                if let Some(leak) = theirs.leak(&named, &answer, marks) {
                    anyhow::bail!("{leak} has leaked: {what}");
                }
                ensure!(answer.status < 500, "{what}");
                let path = route.call.split('?').next().unwrap_or_default();
                ensure!(!path.contains('{') || answer.status >= 400, "{what}");
            }
        }
    }
    gateway.settle().await?;
    let after = rows(&gateway, other.merchant_id.0).await?;
    for (before, after) in before.iter().zip(&after) {
        ensure!(before == after, "it was {before} and is {after}");
    }
    ensure!(
        before.len() == after.len(),
        "there are other rows than before"
    );
    shown_to_their_own(&gateway, &test).await?;
    gateway.finish().await
}

/// The same requests with the right key are answered, or the test above would prove nothing.
async fn shown_to_their_own(gateway: &Gateway, theirs: &Theirs) -> Result<()> {
    let key = gateway.other_merchant.test_key.as_str();
    let mut shown = 0;
    for route in ROUTES.iter().filter(|route| route.call.starts_with("GET")) {
        let answer = gateway
            .send(request(gateway, "", route, theirs, key)?)
            .await?;
        ensure!(answer.status < 500, "{}: {}", route.call, answer.text);
        shown += usize::from(theirs.leak("", &answer, &MARKS).is_some() && answer.status == 200);
    }
    ensure!(
        shown >= 20,
        "only {shown} answers show its own merchant anything"
    );
    Ok(())
}
