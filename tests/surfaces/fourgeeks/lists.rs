//! Lists of payments.

use anyhow::{Context, Result};
use serde_json::Value;
use tests::{Gateway, cards, run_cases};

use super::{create, get, uuid, without_time};

/// Rates as an operator sets them, and a merchant in Costa Rica.
async fn set_rates(gateway: &Gateway) -> Result<()> {
    gateway.operate(&["rates", "set", "CRC", "533.48"]).await?;
    for wrong in [
        ["CRC", "0"],
        ["CRC", "-1"],
        ["CRC", "1e3"],
        ["usd", "1"],
        ["CRC", "1000000000"],
    ] {
        let refused = gateway
            .operate(&[&["rates", "set"], &wrong[..]].concat())
            .await;
        assert!(refused.is_err(), "{wrong:?}");
    }
    let shown = gateway.operate(&["rates", "list"]).await?;
    assert!(
        shown.starts_with("1 USD = 533.48 CRC since ") && shown.contains("\n1 USD = 1 USD since ")
    );
    gateway.set_profile("Demo shop", 290, "CRC").await?;
    Ok(())
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_row_has_26_columns_and_exact_numbers,
        a_new_rate_changes_no_old_payment,
        amounts_not_posted_yet_are_zero,
        lists_are_filtered_and_paged,
        a_list_has_ten_payments_by_default,
    )
}

async fn a_row_has_26_columns_and_exact_numbers(gateway: &Gateway) -> Result<()> {
    set_rates(gateway).await?;
    let paid = gateway.pay(cards::APPROVED).await?;
    let (id, customer) = (uuid(paid.at("/id"))?, uuid(paid.at("/customer/id"))?);
    let row = |description: &str| {
        format!(
            r#"[{{"id":"{id}","product":null,"customer":"{customer}","amount":50.0,"fee":1.45,"currency":"USD","description":{description},"statement_description":"DEMO SHOP","status":"succeeded","capture":true,"created_on":"@","refund":null,"captured":null,"test":true,"card_last4":"4242","card_exp_month":"12","card_exp_year":"2025","card_country":"","card_brand":"visa","exchange_usd_to_payout":0.0,"exchange_original_payout_to_usd":0.0,"exchange_usd_to_local":533.48,"exchange_original_local_to_usd":1.0,"currency_local":"CRC","net":48.55,"net_currency":"USD"}}]"#
        )
    };
    for path in [
        "/v1/payments/internal",
        "/v1/payments/",
        "/v1/payments",
        "/api/v1/payments/",
    ] {
        let list = get(gateway, path).await?;
        assert_eq!(list.status, 200, "{path}: {}", list.text);
        let text = without_time(&list.text, "created_on", 6)?;
        assert_eq!(text, row(r#""Order #12345""#), "{path}");
    }
    Ok(())
}

/// A payment keeps the rates of when it was created.
async fn a_new_rate_changes_no_old_payment(gateway: &Gateway) -> Result<()> {
    let mut euros = super::example();
    euros["currency"] = "EUR".into();
    for rate in ["0.8", "0.92"] {
        gateway.operate(&["rates", "set", "EUR", rate]).await?;
        super::post(gateway, "/v1/payments/", &euros).await?;
    }
    let list = get(gateway, "/v1/payments/").await?;
    let rates: Vec<&str> = list
        .text
        .split(r#""exchange_original_local_to_usd":"#)
        .skip(1)
        .collect();
    let rates: Vec<&str> = rates
        .iter()
        .filter_map(|rest| rest.split(',').next())
        .collect();
    assert_eq!(rates, ["1.0869565217", "1.25"]);
    Ok(())
}

/// The row of an unpaid payment, in a currency without decimals.
async fn amounts_not_posted_yet_are_zero(gateway: &Gateway) -> Result<()> {
    let created = create(gateway).await?;
    let mut yen = super::example();
    (yen["currency"], yen["amount"]) = ("JPY".into(), "12345".into());
    super::post(gateway, "/v1/payments/", &yen).await?;
    let list = get(gateway, "/v1/payments/").await?;
    let rows = list.body.as_array().context("no array")?;
    assert_eq!(rows.len(), 2);
    // The same items are one product.
    assert!(rows[0]["product"].is_string() && rows[0]["product"] == rows[1]["product"]);
    assert_eq!(rows[1]["id"], uuid(created.at("/data/id_payment"))?);
    for part in [
        r#""amount":12345.0,"fee":0.0,"currency":"JPY""#,
        r#""status":"pending""#,
        r#""card_last4":"","card_exp_month":"","card_exp_year":"","card_country":"","card_brand":"""#,
        r#""exchange_usd_to_local":1.0,"exchange_original_local_to_usd":0.0,"currency_local":"USD","net":0.0,"net_currency":"JPY""#,
    ] {
        assert!(list.text.contains(part), "{part}: {}", list.text);
    }
    Ok(())
}

fn ids(list: &Value) -> Vec<&str> {
    let rows = list.as_array().into_iter().flatten();
    rows.filter_map(|row| row["id"].as_str()).collect()
}

async fn lists_are_filtered_and_paged(gateway: &Gateway) -> Result<()> {
    let created = create(gateway).await?;
    let declined = gateway.pay(cards::DECLINED).await?;
    let paid = gateway.pay(cards::APPROVED).await?;
    let pending = uuid(created.at("/data/id_payment"))?;
    let (failed, succeeded) = (uuid(declined.at("/id"))?, uuid(paid.at("/id"))?);
    let all = [succeeded.as_str(), &failed, &pending];
    for (query, expected) in [
        (String::new(), &all[..]),
        ("test=true".to_owned(), &all[..]),
        ("test=false".to_owned(), &[]),
        ("status=succeeded&test=false".to_owned(), &[]),
        ("status=succeeded".to_owned(), &all[..1]),
        ("status=completed".to_owned(), &all[..1]),
        ("status=failed".to_owned(), &all[1..2]),
        ("status=pending".to_owned(), &all[2..]),
        ("status=canceled".to_owned(), &[]),
        ("limit=2".to_owned(), &all[..2]),
        ("limit=2&offset=1".to_owned(), &all[1..]),
        ("offset=3".to_owned(), &[]),
        (format!("starting_after={succeeded}"), &all[1..]),
        (
            format!("starting_after={}&limit=1", paid.at("/id")),
            &all[1..2],
        ),
    ] {
        for path in ["/v1/payments/", "/v1/payments/internal"] {
            let list = get(gateway, &format!("{path}?{query}")).await?;
            assert_eq!(
                (list.status, ids(&list.body)),
                (200, expected.to_vec()),
                "{query}"
            );
        }
    }
    // Another merchant has none of them.
    let theirs = gateway
        .request(reqwest::Method::GET, "/v1/payments/")
        .basic_auth(gateway.other_merchant.test_key.as_str(), Some(""));
    assert_eq!(gateway.send(theirs).await?.text, "[]");
    Ok(())
}

async fn a_list_has_ten_payments_by_default(gateway: &Gateway) -> Result<()> {
    for _ in 0..11 {
        create(gateway).await?;
    }
    for (path, count) in [
        ("/v1/payments/", 10),
        ("/v1/payments/internal", 10),
        ("/v1/payments/?offset=10", 1),
        ("/v1/payments/?limit=100", 11),
    ] {
        let list = get(gateway, path).await?;
        assert_eq!((list.status, ids(&list.body).len()), (200, count), "{path}");
    }
    Ok(())
}
