//! Requests and responses as documented.

use anyhow::{Context, Result};
use domain::id::IntentId;
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Options, Response, begins_with_time, cards, run_cases};

use super::{INTENTS, at, example, get, intent, of, pay, post};

/// The members of an intent between its status and its phases.
struct Shown<'a> {
    id: &'a str,
    merchant: &'a str,
    status: &'a str,
    settlement: &'a str,
    phases: &'a str,
    charge: &'a str,
    created: i64,
    updated: i64,
}

impl Shown<'_> {
    fn text(&self) -> String {
        let Self {
            id,
            merchant,
            status,
            settlement,
            phases,
            charge,
            created,
            updated,
        } = self;
        format!(
            r#"{{"id":"{id}","object":"payment_intent","status":"{status}","data":{{"id":"{id}","object":"payment_intent","merchantId":"{merchant}","status":"{status}","amount":"100.00","currency":"USDC","type":"DELIVERY_VS_PAYMENT","description":null,"settlementMethod":"OFF_RAMP_MOCK","settlementDestination":"{merchant}","settlementStatus":"{settlement}","contractAddress":null,"transactionHash":null,"chainId":null,"signerAddress":null,"phases":[{phases}],"metadata":{{}},{charge}"created":{created},"updated":{updated}}},"created":{created},"updated":{updated}}}"#
        )
    }
}

fn seconds(answer: &Response, pointer: &str) -> i64 {
    let value = answer.body.pointer(pointer).and_then(Value::as_i64);
    value.unwrap_or_default()
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        an_intent_is_created_paid_and_retrieved,
        every_field_is_returned,
        a_list_is_newest_first_and_continues_after_any_intent,
        a_merchant_may_hide_its_own_fields_from_the_public,
        a_repeated_request_gets_the_same_response,
    )
}

/// S000 creates an intent, S002 retrieves it with and without a key, before and after it is paid.
async fn an_intent_is_created_paid_and_retrieved(gateway: &Gateway) -> Result<()> {
    let made = post(gateway, "/api/v1/payment-intents", &example()).await?;
    let (id, created) = (made.at("/id").to_owned(), seconds(&made, "/created"));
    let digits = id.strip_prefix("intent_").context("no intent")?;
    assert!(digits.len() == 22 && digits.chars().all(|c| c.is_ascii_alphanumeric()));
    // Random, because anyone who knows the id can read and pay the intent.
    let random = IntentId::parse(&id).context("no id")?.0;
    assert!(!begins_with_time(random), "{id}");
    assert!((created - time::OffsetDateTime::now_utc().unix_timestamp()).abs() < 60);
    let merchant = gateway.merchant.merchant_id.to_string();
    let phases = format!(
        r#"{{"phase":"SIGNATURE_VERIFICATION","status":"IN_PROGRESS","startedAt":{created}}}"#
    );
    let initiated = Shown {
        id: &id,
        merchant: &merchant,
        status: "INITIATED",
        settlement: "PENDING",
        phases: &phases,
        charge: "",
        created,
        updated: created,
    };
    assert_eq!((made.status, made.text), (201, initiated.text()));
    for path in [at(&id, ""), format!("/api{}", at(&id, ""))] {
        let found = get(gateway, &path).await?;
        assert_eq!((found.status, found.text), (200, initiated.text()));
    }
    let public = format!("{INTENTS}/public/{id}");
    let found = gateway.send(gateway.request(Method::GET, &public)).await?;
    assert_eq!((found.status, found.text), (200, initiated.text()));

    let paid = pay(gateway, &id, "4242 4242 4242 4242").await?;
    let updated = seconds(&paid, "/updated");
    assert!((created..created + 60).contains(&updated), "{}", paid.text);
    let charge = paid.at("/data/paymentProcessorTxId");
    assert!(charge.starts_with("ch_") && charge.len() == 25, "{charge}");
    let phases = format!(
        r#"{{"phase":"SIGNATURE_VERIFICATION","status":"COMPLETED","completedAt":{updated}}},{{"phase":"SETTLEMENT","status":"IN_PROGRESS","startedAt":{updated}}}"#
    );
    let charge = format!(
        r#""fiatPaymentStatus":"succeeded","paymentProcessorType":"sandbox","paymentProcessorTxId":"{charge}","onRampStatus":null,"onRampTxId":null,"stablecoinAmount":null,"stablecoinCurrency":null,"#
    );
    let succeeded = Shown {
        status: "SUCCEEDED",
        settlement: "IN_PROGRESS",
        phases: &phases,
        charge: &charge,
        updated,
        ..initiated
    };
    assert_eq!((paid.status, &paid.text), (200, &succeeded.text()));
    let found = get(gateway, &at(&id, "")).await?;
    assert_eq!((found.status, found.text), (200, paid.text.clone()));
    let found = gateway.send(gateway.request(Method::GET, &public)).await?;
    assert_eq!((found.status, found.text), (200, paid.text));
    Ok(())
}

async fn every_field_is_returned(gateway: &Gateway) -> Result<()> {
    let asked = json!({
        "amount": "1000.00", "currency": "USDT", "type": "CONDITIONAL",
        "settlementMethod": "OFF_RAMP_TO_RTP", "settlementDestination": "9876543210",
        "description": "Order #ORD-123", "deliveryPeriod": 1_209_600,
        "expectedDeliveryHash": format!("0x{}", "4f".repeat(32)), "autoRelease": true,
        "deliveryOracle": "0x742d35Cc6634C0532925a3b844Bc9e7595f42318",
        "metadata": {
            "orderId": "ORD-123", "customerId": "CUST-456", "releaseType": "TIME_LOCKED",
            "timeLockUntil": "1735689600"
        }
    });
    let id = intent(gateway, &asked).await?;
    let found = get(gateway, &at(&id, "")).await?;
    for name in [
        "amount",
        "currency",
        "type",
        "settlementMethod",
        "settlementDestination",
        "description",
        "metadata",
    ] {
        assert_eq!(found.body["data"][name], asked[name], "{name}");
    }
    for (currency, amount, shown) in [
        ("USD", "0.01", "0.01"),
        ("USD", "5", "5.00"),
        ("USDC", "1.5", "1.50"),
        ("USDC", "0.000001", "0.000001"),
        (
            "DAI",
            "123456789.000000000000000001",
            "123456789.000000000000000001",
        ),
        ("USD", "9999999999.99", "9999999999.99"),
    ] {
        let asked = json!({"amount": amount, "currency": currency, "type": "CONSENTED_PULL"});
        let id = intent(gateway, &asked).await?;
        let found = get(gateway, &at(&id, "")).await?;
        assert_eq!(found.at("/data/amount"), shown, "{currency}");
    }
    Ok(())
}

async fn a_list_is_newest_first_and_continues_after_any_intent(gateway: &Gateway) -> Result<()> {
    let mut made = Vec::new();
    for _ in 0..12 {
        made.push(intent(gateway, &example()).await?);
    }
    pay(gateway, made.last().context("none")?, cards::APPROVED).await?;
    made.reverse();
    let theirs = of(gateway, &gateway.other_merchant, Method::POST, INTENTS);
    let theirs = gateway.send(theirs.json(&example())).await?;
    assert_eq!(theirs.status, 201);

    let ids = |list: &Response| -> Vec<String> {
        let items = list.body["data"].as_array().into_iter().flatten();
        items
            .map(|item| item["id"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let first = get(gateway, "/v1/payment-intents?limit=10").await?;
    assert_eq!((first.status, first.at("/object")), (200, "list"));
    assert_eq!(Some(ids(&first).as_slice()), made.get(..10));
    assert_eq!(first.body["has_more"], true);
    let last = made.get(9).context("a last one")?;
    let rest = get(
        gateway,
        &format!("/v1/payment-intents?limit=10&starting_after={last}"),
    )
    .await?;
    assert_eq!(Some(ids(&rest).as_slice()), made.get(10..));
    assert_eq!(rest.body["has_more"], false);
    let all = get(gateway, INTENTS).await?;
    assert_eq!(all.text, first.text);
    let none = made.last().context("none")?;
    let none = get(gateway, &format!("{INTENTS}?starting_after={none}")).await?;
    assert_eq!(none.text, r#"{"object":"list","data":[],"has_more":false}"#);
    let hundred = get(gateway, "/v1/payment-intents?limit=100").await?;
    for item in hundred.body["data"].as_array().context("no list")? {
        let id = item["id"].as_str().unwrap_or_default();
        assert_eq!(&get(gateway, &at(id, "")).await?.body, item);
    }
    Ok(())
}

/// What a merchant hides from the public is null on the public paths, and shown to its own key.
async fn a_merchant_may_hide_its_own_fields_from_the_public(gateway: &Gateway) -> Result<()> {
    let mut asked = example();
    asked["metadata"] = json!({"orderId": "ORD-123"});
    asked["settlementDestination"] = json!("9876543210");
    let id = intent(gateway, &asked).await?;
    let merchant = gateway.merchant.merchant_id.to_string();
    let operate = |choice| ["merchant", "public-intents", &merchant, choice];
    gateway.operate(&operate("redacted")).await?;
    let public = format!("{INTENTS}/public/{id}");
    let found = gateway.send(gateway.request(Method::GET, &public)).await?;
    let paid = pay(gateway, &id, cards::APPROVED).await?;
    for answer in [&found, &paid] {
        for name in ["merchantId", "settlementDestination", "metadata"] {
            assert_eq!(
                answer.body["data"].get(name),
                Some(&Value::Null),
                "{}",
                answer.text
            );
        }
        assert_eq!(answer.at("/data/amount"), "100.00");
    }
    let own = get(gateway, &at(&id, "")).await?;
    assert_eq!(own.at("/data/merchantId"), merchant);
    assert_eq!(own.at("/data/settlementDestination"), "9876543210");
    assert_eq!(own.body["data"]["metadata"], asked["metadata"]);
    gateway.operate(&operate("full")).await?;
    let found = gateway.send(gateway.request(Method::GET, &public)).await?;
    assert_eq!(found.text, own.text);
    assert!(gateway.operate(&operate("none")).await.is_err());
    Ok(())
}

/// S000: the same key within a day gets the same response.
async fn a_repeated_request_gets_the_same_response(gateway: &Gateway) -> Result<()> {
    let keyed = |body: Value| {
        let request = of(gateway, &gateway.merchant, Method::POST, INTENTS);
        gateway.send(request.header("Idempotency-Key", "order-1").json(&body))
    };
    let answers = try_join_all((0..10).map(|_| keyed(example()))).await?;
    let first = answers.first().context("no answer")?;
    assert!(
        answers
            .iter()
            .all(|one| (one.status, &one.text) == (201, &first.text))
    );
    let new = |answer: &&Response| answer.header("idempotent-replayed").is_empty();
    assert_eq!(answers.iter().filter(new).count(), 1);
    pay(gateway, first.at("/id"), cards::APPROVED).await?;
    let replayed = keyed(example()).await?;
    assert_eq!(replayed.text, first.text);
    assert_eq!(replayed.header("idempotent-replayed"), "true");

    let mut other = example();
    other["amount"] = json!("100.01");
    let reused = keyed(other).await?;
    let expected = super::wrong(
        "idempotency_key_reused",
        "This Idempotency-Key was used with another request. Nothing was done.",
        None,
    );
    assert_eq!((reused.status, reused.text), (400, expected));
    let list = get(gateway, INTENTS).await?;
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
    Ok(())
}

/// S000: test keys have 100 requests a minute, and every response says how many are left.
#[tokio::test]
async fn every_response_says_how_many_requests_are_left() -> Result<()> {
    let options = Options {
        rate_limit: None,
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    let made = post(&gateway, INTENTS, &example()).await?;
    let missing = get(&gateway, &at("intent_1", "")).await?;
    for answer in [&made, &missing] {
        assert_eq!(answer.header("x-ratelimit-limit"), "100");
        let left: u32 = answer.header("x-ratelimit-remaining").parse()?;
        assert!((98..100).contains(&left));
        let reset: i64 = answer.header("x-ratelimit-reset").parse()?;
        assert_eq!(reset % 60, 0);
    }
    let mut last = missing;
    while last.status != 429 {
        last = get(&gateway, &at("intent_1", "")).await?;
        assert!(matches!(last.status, 404 | 429), "{}", last.text);
    }
    let wait: i64 = last.header("retry-after").parse()?;
    assert_eq!(
        last.text,
        format!(
            r#"{{"error":{{"code":"rate_limit_exceeded","message":"Rate limit exceeded. Retry after {wait} seconds.","type":"rate_limit_error","retryAfter":{wait}}}}}"#
        )
    );
    gateway.finish().await
}
