//! The merchant's balance and ledger entries.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{Gateway, Response, cards, example, run_cases};

use super::{INTENTS, get, intent, pay};

fn asked(amount: &str) -> Value {
    json!({"amount": amount, "currency": "USD", "type": "CONDITIONAL"})
}

async fn entries(gateway: &Gateway, query: &str) -> Result<Response> {
    get(gateway, &format!("{INTENTS}/account/ledger-entries{query}")).await
}

fn balance(available: &str, currency: &str) -> String {
    let zero = if currency == "JPY" { "0" } else { "0.00" };
    format!(
        r#""availableBalance":"{available}","pendingBalance":"{zero}","reservedBalance":"{zero}","totalBalance":"{available}","currency":"{currency}""#
    )
}

/// The body with the balance in dollars, the merchant's default currency, and these balances.
fn balances(dollars: &str, all: &[(&str, &str)]) -> String {
    let all = all
        .iter()
        .map(|(available, currency)| format!("{{{}}}", balance(available, currency)));
    let (dollars, all) = (balance(dollars, "USD"), all.collect::<Vec<_>>().join(","));
    format!(r#"{{"object":"balance","data":{{{dollars},"balances":[{all}]}}}}"#)
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_captured_payment_adds_its_amount_less_the_fee,
        ledger_entries_are_filtered_by_type_and_intent,
        a_balance_is_shown_in_each_currency,
        ledger_entries_are_paged_and_filtered_by_day,
        ledger_entries_have_the_decimals_of_their_currency,
    )
}

async fn a_captured_payment_adds_its_amount_less_the_fee(gateway: &Gateway) -> Result<()> {
    let path = format!("{INTENTS}/account/balance");
    let empty = get(gateway, &path).await?;
    assert_eq!((empty.status, empty.text), (200, balances("0.00", &[])));
    assert_eq!(
        entries(gateway, "").await?.text,
        r#"{"object":"list","data":[],"has_more":false}"#
    );

    let id = intent(gateway, &asked("100.00")).await?;
    pay(gateway, &id, cards::APPROVED).await?;
    let declined = intent(gateway, &asked("50.00")).await?;
    pay(gateway, &declined, cards::DECLINED).await?;
    // A fee of 2.9 %.
    let found = get(gateway, &path).await?;
    assert_eq!(
        (found.status, found.text),
        (200, balances("97.10", &[("97.10", "USD")]))
    );
    let found = entries(gateway, "").await?;
    let entry = &found.body["data"][0];
    assert!(
        entry["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("ledger_entry_"))
    );
    let expected = json!([{
        "id": entry["id"], "object": "ledger_entry", "paymentIntentId": id,
        "paymentId": entry["paymentId"], "transactionType": "CREDIT", "amount": "97.10",
        "grossAmount": "100.00", "feeAmount": "2.90", "netAmount": "97.10", "currency": "USD",
        "status": "COMPLETED", "created": entry["created"]
    }]);
    assert_eq!(found.body["data"], expected);
    Ok(())
}

async fn ledger_entries_are_filtered_by_type_and_intent(gateway: &Gateway) -> Result<()> {
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = intent(gateway, &asked("10.00")).await?;
        pay(gateway, &id, cards::APPROVED).await?;
        ids.insert(0, id);
    }
    // Another surface's payment moves the same account.
    let other = gateway.pay(cards::APPROVED).await?;
    let refund = format!("/v1/payments/{}/refund", other.at("/id"));
    let refunded = gateway.post(&refund, &json!({"amount": 1000})).await?;
    assert_eq!(refunded.at("/status"), "succeeded", "{}", refunded.text);
    let shown = |answer: &Response| -> Vec<(Value, Value)> {
        let items = answer.body["data"].as_array().into_iter().flatten();
        items
            .map(|item| {
                (
                    item["transactionType"].clone(),
                    item["paymentIntentId"].clone(),
                )
            })
            .collect()
    };
    let credit = |id: &Value| (json!("CREDIT"), id.clone());
    let mut all = vec![(json!("REFUND"), Value::Null), credit(&Value::Null)];
    all.extend(ids.iter().map(|id| credit(&json!(id))));
    assert_eq!(shown(&entries(gateway, "").await?), all);
    let some = entries(gateway, "?limit=2&offset=1").await?;
    assert_eq!(Some(shown(&some).as_slice()), all.get(1..3));
    let refunds = entries(gateway, "?transactionType=REFUND").await?;
    assert_eq!(Some(shown(&refunds).as_slice()), all.get(..1));
    let first = ids.first().map(String::as_str).unwrap_or_default();
    let of_one = entries(
        gateway,
        &format!("?transactionType=CREDIT&paymentIntentId={first}"),
    )
    .await?;
    assert_eq!(shown(&of_one), [credit(&json!(first))]);
    Ok(())
}

async fn ledger_entries_are_paged_and_filtered_by_day(gateway: &Gateway) -> Result<()> {
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.insert(0, gateway.pay(cards::APPROVED).await?.at("/id").to_owned());
    }
    let (mut query, mut seen) = ("?limit=1".to_owned(), Vec::new());
    while seen.len() < ids.len() {
        let page = entries(gateway, &query).await?;
        seen.push(page.at("/data/0/paymentId").to_owned());
        let is_last = seen.len() == ids.len();
        ensure!(page.body["has_more"] != is_last, "{}", page.text);
        query = format!("?limit=1&starting_after={}", page.at("/data/0/id"));
    }
    assert_eq!(seen, ids);
    let unknown = entries(
        gateway,
        "?starting_after=ledger_entry_0000000000000000000001",
    )
    .await?;
    assert_eq!(unknown.status, 400, "{}", unknown.text);
    let count = async |query: &str| {
        let found = entries(gateway, query).await?;
        anyhow::Ok(found.body["data"].as_array().map(Vec::len))
    };
    let today = time::OffsetDateTime::now_utc().date();
    let (day, next) = (
        today.to_string(),
        today.next_day().map(|day| day.to_string()),
    );
    let next = next.unwrap_or_default();
    let before = format!("?toDate={}", today.previous_day().unwrap_or(today));
    assert_eq!(count(&before).await?, Some(0));
    assert_eq!(count(&format!("?fromDate={next}")).await?, Some(0));
    let whole = count(&format!("?fromDate={day}&toDate={next}&limit=100")).await?;
    assert_eq!(whole, count("?limit=100").await?);
    Ok(())
}

async fn a_balance_is_shown_in_each_currency(gateway: &Gateway) -> Result<()> {
    for (minor, currency) in [
        (20_000, "EUR"),
        (5_000, "JPY"),
        (5_000, "JPY"),
        (100, "USD"),
    ] {
        let mut body = example(cards::APPROVED);
        body["amount"] = json!(minor);
        body["currency"] = json!(currency);
        let paid = gateway.post("/v1/payments", &body).await?;
        assert_eq!(paid.at("/status"), "succeeded", "{}", paid.text);
    }
    let found = get(gateway, &format!("{INTENTS}/account/balance")).await?;
    let all = [("194.20", "EUR"), ("9710", "JPY"), ("0.97", "USD")];
    assert_eq!(found.text, balances("0.97", &all));
    Ok(())
}

/// Payments of another surface, less a fee of 2.9 %.
async fn ledger_entries_have_the_decimals_of_their_currency(gateway: &Gateway) -> Result<()> {
    for (minor, currency, shown) in [(5_000, "JPY", "4855"), (10_000, "KWD", "9.710")] {
        let mut body = example(cards::APPROVED);
        body["amount"] = json!(minor);
        body["currency"] = json!(currency);
        let paid = gateway.post("/v1/payments", &body).await?;
        assert_eq!(paid.at("/status"), "succeeded", "{}", paid.text);
        let found = entries(gateway, "?limit=1").await?;
        let found = (found.at("/data/0/amount"), found.at("/data/0/currency"));
        assert_eq!(found, (shown, currency));
    }
    Ok(())
}
