//! S004's examples.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tests::{Gateway, Process, cards, example, run_cases};

use super::Examples;
use super::shown::check;

const KEY: &str = "sk_test_51O62xYzAbcDef123";
const ID: &str = "pay_1ABC123XYZ456";

/// Its examples with the key that is printed.
async fn examples_as_printed(gateway: &Gateway) -> Result<Examples> {
    Examples::of(gateway, "fourgeeks", &["http://127.0.0.1:8000"]).await
}

async fn examples(gateway: &Gateway) -> Result<Examples> {
    let examples = examples_as_printed(gateway).await?;
    Ok(examples.with(KEY, &gateway.merchant.test_key))
}

/// The parameters of the page's URL.
fn carried(answer: &Value) -> Result<Value> {
    let address = answer["data"]["redirect"].as_str().context("no address")?;
    let (_, data) = address.split_once("/checkout/?data=").context("no data")?;
    Ok(serde_json::from_slice(&BASE64.decode(data)?)?)
}

/// Checks that a payment is started as documented, on our page, and returns its id.
fn check_started(gateway: &Gateway, answer: &Value, mut printed: Value) -> Result<String> {
    // The documented response is another merchant's, to another request than the example.
    let mut expected = carried(&printed)?;
    expected["return_url"] = json!("https://example.com/payment-result");
    expected["product"]["name"] = json!("Premium subscription payment");
    expected["company_email"] = json!("pay@demo.example");
    expected["company_name"] = json!("Demo shop");
    expected["statement_descriptor"] = json!(["DEMO SHOP"]);
    check(&carried(answer)?, &expected)?;

    let redirect = &answer["data"]["redirect"];
    let page = format!("{}/checkout/?data=", gateway.url(Process::Api));
    let is_ours = redirect
        .as_str()
        .is_some_and(|text| text.starts_with(&page));
    ensure!(is_ours, "{redirect}");
    printed["data"]["redirect"] = redirect.clone();
    check(answer, &printed)?;
    let id = answer["data"]["id_payment"].as_str();
    Ok(id.context("no id")?.to_owned())
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        payments_are_started_and_read,
        a_completed_payment_is_read,
        errors_are_as_documented,
        payments_are_listed,
    )
}

async fn payments_are_started_and_read(gateway: &Gateway) -> Result<()> {
    let examples = examples(gateway).await?;
    let by_curl = examples.curl("create.sh").await?;
    assert_eq!(by_curl.status, 202, "{}", by_curl.text);
    let by_requests = examples.python("", "create.py").await?;
    let by_fetch = examples.node("", "create.mjs").await?;
    for answer in [
        by_curl.body,
        examples.python_value(&by_requests).await?,
        examples.node_value(&by_fetch).await?,
    ] {
        let id = check_started(gateway, &answer, examples.printed("create.json")?)?;
        let read = examples.with(ID, &id).curl("read.sh").await?;
        assert_eq!((read.status, read.at("/id")), (200, id.as_str()));
        // It is not paid yet.
        let mut printed = examples.printed("read.json")?;
        printed["status"] = json!("pending");
        printed["customer_email"] = Value::Null;
        printed["card_last4"] = json!("");
        printed["card_brand"] = json!("");
        check(&read.body, &printed)?;
    }
    Ok(())
}

/// The page takes no card, so paid payments come from another surface, without items or page.
async fn a_completed_payment_is_read(gateway: &Gateway) -> Result<()> {
    let mut asked = example(cards::APPROVED);
    asked["amount"] = json!(50_000);
    asked["description"] = json!("Premium subscription payment");
    let paid = gateway.post("/v1/payments", &asked).await?;
    let examples = examples(gateway).await?;
    let read = examples.with(ID, paid.at("/id")).curl("read.sh").await?;
    assert_eq!((read.status, read.at("/id")), (200, paid.at("/id")));
    let mut printed = examples.printed("read.json")?;
    printed["items"] = json!([]);
    printed["return_url"] = Value::Null;
    check(&read.body, &printed)?;
    Ok(())
}

async fn errors_are_as_documented(gateway: &Gateway) -> Result<()> {
    let examples = examples(gateway).await?;
    let missing = examples.curl("read.sh").await?;
    let printed = examples.printed("missing.json")?;
    assert_eq!((missing.status, missing.body), (404, printed));
    let unauthenticated = examples_as_printed(gateway).await?;
    let unauthorized = unauthenticated.curl("read.sh").await?;
    let printed = examples.printed("unauthorized.json")?;
    assert_eq!((unauthorized.status, unauthorized.body), (401, printed));
    Ok(())
}

/// The merchant of the documented list: its name, its fee, its country.
async fn move_to_costa_rica(gateway: &Gateway) -> Result<()> {
    gateway.set_profile("Juanpesa", 550, "CRC").await?;
    gateway.operate(&["rates", "set", "CRC", "533.48"]).await?;
    Ok(())
}

async fn payments_are_listed(gateway: &Gateway) -> Result<()> {
    move_to_costa_rica(gateway).await?;
    for email in ["one@example.com", "two@example.com"] {
        let asked = json!({
            "amount": 10_000, "currency": "USD", "payment_method": "card",
            "customer": {"email": email}, "card": example(cards::APPROVED)["card"]
        });
        let paid = gateway.post("/v1/payments", &asked).await?;
        assert_eq!(paid.at("/status"), "succeeded", "{}", paid.text);
    }
    gateway.pay(cards::DECLINED).await?;
    let examples = examples(gateway).await?;
    // A test key creates test data, but the document prints test=false.
    let live = examples.curl("list.sh").await?;
    assert_eq!((live.status, live.text.as_str()), (200, "[]"));

    let examples = examples.with("test=false", "test=true");
    let list = examples.curl("list.sh").await?;
    let mut printed = examples.printed("list.json")?;
    for row in printed.as_array_mut().context("no list")? {
        // It has no page, and its card is known.
        row["product"] = Value::Null;
        row["card_last4"] = json!("4242");
        row["card_exp_month"] = json!("12");
        row["card_exp_year"] = json!("2025");
        row["card_brand"] = json!("visa");
    }
    assert_eq!(list.status, 200, "{}", list.text);
    check(&list.body, &printed)?;
    Ok(())
}
