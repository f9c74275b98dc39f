//! The list of transactions.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Response, cards, example, run_cases};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::plain::plain;
use crate::{expect_error, refusal};

async fn list(gateway: &Gateway, query: &str) -> Result<Response> {
    let answer = gateway.get(&format!("/v1/transactions{query}")).await?;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    Ok(answer)
}

fn ids(list: &Response) -> Result<Vec<String>> {
    let data = list.body["data"].as_array().context("no list")?;
    let ids = data.iter().map(|payment| payment["id"].as_str());
    let ids = ids.map(|id| id.map(str::to_owned).context("no id"));
    ids.collect()
}

/// Payments of each status, the newest first: pending, failed, succeeded, succeeded, succeeded.
async fn made(gateway: &Gateway) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for card in [
        cards::APPROVED,
        cards::APPROVED,
        cards::APPROVED,
        cards::DECLINED,
    ] {
        ids.insert(0, gateway.pay(card).await?.at("/id").to_owned());
    }
    let mut without_card = example(cards::APPROVED);
    without_card
        .as_object_mut()
        .context("an object")?
        .remove("card");
    let open = gateway.post("/v1/payments", &without_card).await?;
    ids.insert(0, open.at("/id").to_owned());
    Ok(ids)
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_list_is_answered_as_documented,
        payments_are_listed_newest_first_and_in_pages,
        payments_are_found_by_status_and_day,
        wrong_parameters_are_named,
        transactions_of_others_are_not_listed,
    )
}

async fn a_list_is_answered_as_documented(gateway: &Gateway) -> Result<()> {
    let empty = list(gateway, "").await?;
    let printed = r#"{"object":"list","data":[],"limit":10,"offset":0,"has_more":false}"#;
    assert_eq!(empty.text, printed);
    let paid = gateway.pay(cards::APPROVED).await?;
    let one = list(gateway, "?limit=20&status=succeeded").await?;
    let printed = r#"{"object":"list","data":[{"id":"pay_…","status":"succeeded","amount":5000,"currency":"USD","created":…,"customer":{"id":"cus_…","email":"customer@example.com"},"description":"Order #12345"}],"limit":20,"offset":0,"has_more":false}"#;
    assert_eq!(plain(&one.text), printed);
    assert_eq!(one.body["data"], json!([paid.body]));
    assert_eq!(
        gateway
            .get("/api/v1/transactions?limit=20&status=succeeded")
            .await?
            .text,
        one.text
    );
    Ok(())
}

async fn payments_are_listed_newest_first_and_in_pages(gateway: &Gateway) -> Result<()> {
    let all = made(gateway).await?;
    assert_eq!(ids(&list(gateway, "").await?)?, all);
    let (second, last) = (all.get(1).context("an id")?, all.last().context("an id")?);
    for (query, range, more) in [
        ("?limit=2".to_owned(), 0..2, true),
        ("?limit=2&offset=2".to_owned(), 2..4, true),
        ("?limit=2&offset=4".to_owned(), 4..5, false),
        ("?offset=10000".to_owned(), 5..5, false),
        (format!("?limit=2&starting_after={second}"), 2..4, true),
        (
            format!("?limit=2&offset=1&starting_after={second}"),
            3..5,
            false,
        ),
        (format!("?starting_after={last}"), 5..5, false),
    ] {
        let part = list(gateway, &query).await?;
        let expected = all.get(range).context("a range")?;
        assert_eq!(ids(&part)?, expected, "{query}");
        assert_eq!(part.body["has_more"], json!(more), "{query}");
    }
    // Page by page, nothing twice and nothing left out.
    let mut walked = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let part = list(gateway, &query).await?;
        walked.extend(ids(&part)?);
        if part.body["has_more"] == json!(false) {
            break;
        }
        query = format!(
            "?limit=2&starting_after={}",
            walked.last().context("an id")?
        );
    }
    assert_eq!(walked, all);
    Ok(())
}

async fn payments_are_found_by_status_and_day(gateway: &Gateway) -> Result<()> {
    let all = made(gateway).await?;
    for (status, range) in [("pending", 0..1), ("failed", 1..2), ("succeeded", 2..5)] {
        let found = list(gateway, &format!("?status={status}")).await?;
        assert_eq!(ids(&found)?, all.get(range).context("a range")?, "{status}");
        let data = found.body["data"].as_array().context("no list")?;
        assert!(data.iter().all(|payment| payment["status"] == *status));
    }
    // The payments may have been made on both sides of a midnight.
    let day = |days: i64| {
        let at = OffsetDateTime::now_utc() + time::Duration::days(days);
        at.format(format_description!("[year]-[month]-[day]"))
    };
    for (query, count) in [
        (format!("?from_date={}", day(-1)?), 5),
        (format!("?from_date={}&to_date={}", day(-1)?, day(1)?), 5),
        (format!("?to_date={}", day(1)?), 5),
        (format!("?to_date={}", day(-2)?), 0),
        (format!("?from_date={}", day(2)?), 0),
        (format!("?from_date={}&status=failed&limit=1", day(-1)?), 1),
        ("?from_date=0000-01-01&to_date=9999-12-31".to_owned(), 5),
    ] {
        assert_eq!(ids(&list(gateway, &query).await?)?.len(), count, "{query}");
    }
    // A day counts from its first to its last instant.
    let first = all.first().context("an id")?;
    let payment = gateway.get(&format!("/v1/payments/{first}")).await?;
    let at =
        OffsetDateTime::from_unix_timestamp(payment.body["created"].as_i64().context("a time")?)?;
    let its_day = at.format(format_description!("[year]-[month]-[day]"))?;
    let found = list(gateway, &format!("?from_date={its_day}&to_date={its_day}")).await?;
    assert!(ids(&found)?.contains(first));
    Ok(())
}

async fn wrong_parameters_are_named(gateway: &Gateway) -> Result<()> {
    for (query, param) in [
        ("limit=0", "limit"),
        ("offset=10001", "offset"),
        ("status=refunded", "status"),
        ("from_date=2024-02-30", "from_date"),
        ("from_date=2024-02-02&to_date=2024-02-01", "to_date"),
        ("starting_after=4242424242424242", "starting_after"),
    ] {
        let request = gateway.request(Method::GET, &format!("/v1/transactions?{query}"));
        let request = request.bearer_auth(gateway.merchant.test_key.as_str());
        let expected = refusal(400, "parameter_invalid", param);
        let answer = expect_error(gateway, request, &expected).await;
        answer.with_context(|| query.to_owned())?;
    }
    Ok(())
}

async fn transactions_of_others_are_not_listed(gateway: &Gateway) -> Result<()> {
    let paid = gateway.pay(cards::APPROVED).await?;
    for key in [&gateway.other_merchant.test_key, &gateway.merchant.live_key] {
        let request = |query: &str| {
            let request = gateway.request(Method::GET, &format!("/v1/transactions{query}"));
            request.bearer_auth(key.as_str())
        };
        let found = gateway.send(request("")).await?;
        assert_eq!(
            (found.status, &found.body["data"]),
            (200, &Value::Array(Vec::new()))
        );
        let after = request(&format!("?starting_after={}", paid.at("/id")));
        let expected = refusal(400, "parameter_invalid", "starting_after");
        expect_error(gateway, after, &expected).await?;
    }
    let keyless = gateway.request(Method::GET, "/v1/transactions");
    expect_error(gateway, keyless, &refusal(401, "missing_api_key", "")).await?;
    Ok(())
}
