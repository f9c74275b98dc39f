//! Creating a payment, and reading it.

use anyhow::{Context, Result};
use domain::id::PaymentId;
use reqwest::Method;
use serde_json::json;
use tests::{Gateway, begins_with_time, cards, run_cases};

use super::{
    basic, carried, create, example, get, get_as_payer, missing, path_of, post, uuid, without_time,
};

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_payment_is_started_as_documented,
        every_path_and_credential_works,
        a_paid_payment_is_read_as_documented,
        a_missing_payment_gets_the_documented_error,
        payers_need_no_key,
        a_session_is_a_payment_on_its_page,
    )
}

async fn a_payment_is_started_as_documented(gateway: &Gateway) -> Result<()> {
    let created = create(gateway).await?;
    let (id, redirect) = (created.at("/data/id_payment"), created.at("/data/redirect"));
    assert_eq!(
        created.text,
        format!(
            r#"{{"code":202,"title":"Action required","content":"Show the checkout page to complete payment.","data":{{"id_payment":"{id}","redirect":"{redirect}"}}}}"#
        )
    );
    assert!(
        id.starts_with("pay_") && path_of(gateway, redirect)?.starts_with("/checkout/?data=ey")
    );
    assert_eq!(
        carried(redirect)?,
        format!(
            r#"{{"return_url": "https://example.com/payment-result", "test": true, "has_customer": false, "company_email": "pay@demo.example", "product": {{"total_price": 500.00, "price": 500.00, "currency": "USD", "name": "Premium subscription payment", "description": ["Premium Plan - Monthly"]}}, "statement_descriptor": ["DEMO SHOP"], "company_name": "Demo shop", "id_payment": "{id}"}}"#
        )
    );
    let read = get(gateway, &format!("/v1/payments/{id}")).await?;
    assert_eq!(read.status, 200);
    let text = without_time(&without_time(&read.text, "created_at", 0)?, "updated_at", 0)?;
    assert_eq!(
        text,
        format!(
            r#"{{"id":"{id}","amount":"500.00","currency":"USD","description":"Premium subscription payment","status":"pending","items":["Premium Plan - Monthly"],"customer_email":null,"return_url":"https://example.com/payment-result","payment_method":"card","card_last4":"","card_brand":"","created_at":"@","updated_at":"@","test":true}}"#
        )
    );
    Ok(())
}

/// Both base paths, with and without the slash where the credential decides, and every way to send the
/// key.
async fn every_path_and_credential_works(gateway: &Gateway) -> Result<()> {
    let key = gateway.merchant.test_key.as_str();
    let post = |path: &str| gateway.request(Method::POST, path).json(&example());
    for request in [
        basic(gateway, Method::POST, "/v1/payments").json(&example()),
        basic(gateway, Method::POST, "/v1/payments/").json(&example()),
        basic(gateway, Method::POST, "/api/v1/payments/").json(&example()),
        post("/v1/payments/").basic_auth(key, Some("ignored")),
        post("/v1/payments/").header("X-API-Key", key),
        post("/v1/payments/").header("Authorization", format!("Api-Key {key}")),
        post("/v1/payments").header("Authorization", format!("api-key {key}")),
    ] {
        let created = gateway.send(request).await?;
        assert_eq!(created.status, 202, "{}", created.text);
        // Random, because anyone who knows the id can read the payment.
        let id = PaymentId::parse(created.at("/data/id_payment")).context("no id")?;
        assert!(!begins_with_time(id.0), "{id}");
    }
    Ok(())
}

/// A payment of paygate reads `completed` here, by its id and by its number.
async fn a_paid_payment_is_read_as_documented(gateway: &Gateway) -> Result<()> {
    let paid = gateway.pay(cards::APPROVED).await?;
    let id = paid.at("/id");
    let expected = format!(
        r#"{{"id":"{id}","amount":"50.00","currency":"USD","description":"Order #12345","status":"completed","items":[],"customer_email":"customer@example.com","return_url":null,"payment_method":"card","card_last4":"4242","card_brand":"visa","created_at":"@","updated_at":"@","test":true}}"#
    );
    for path in [
        format!("/v1/payments/{id}"),
        format!("/v1/payments/{id}?test=true"),
        format!("/api/v1/payments/{}", uuid(id)?),
    ] {
        let read = get(gateway, &path).await?;
        let text = without_time(&without_time(&read.text, "created_at", 0)?, "updated_at", 0)?;
        assert_eq!((read.status, text), (200, expected.clone()), "{path}");
    }
    let declined = gateway.pay(cards::INSUFFICIENT_FUNDS).await?;
    let read = get(gateway, &format!("/v1/payments/{}", declined.at("/id"))).await?;
    assert_eq!((read.status, read.at("/status")), (200, "failed"));
    assert_eq!(read.at("/decline_reason"), "insufficient_funds");
    Ok(())
}

/// A test key finds nothing in live mode.
async fn a_missing_payment_gets_the_documented_error(gateway: &Gateway) -> Result<()> {
    let created = create(gateway).await?;
    let id = created.at("/data/id_payment");
    let theirs = gateway
        .request(Method::GET, &format!("/v1/payments/{id}"))
        .basic_auth(gateway.other_merchant.test_key.as_str(), Some(""));
    let theirs = gateway.send(theirs).await?;
    assert_eq!((theirs.status, theirs.text), (404, missing()));
    for path in [
        "pay_1ABC123XYZ456",
        "pay_0000000000000000000001",
        "00000000-0000-0000-0000-000000000001",
        "subscription",
        "intent",
        "%ff",
        &format!("{id}?test=false"),
        &format!("public/{}", "pay_0000000000000000000001"),
    ] {
        let read = get(gateway, &format!("/v1/payments/{path}")).await?;
        assert_eq!((read.status, read.text), (404, missing()), "{path}");
    }
    Ok(())
}

/// The link shows its own payment, and no other.
async fn payers_need_no_key(gateway: &Gateway) -> Result<()> {
    let created = create(gateway).await?;
    let id = created.at("/data/id_payment");
    let public = get_as_payer(gateway, &format!("/v1/payments/public/{id}")).await?;
    let text = format!(
        r#"{{"id":"{id}","amount":"500.00","currency":"USD","description":"Premium subscription payment","status":"pending","items":["Premium Plan - Monthly"],"return_url":"https://example.com/payment-result","test":true}}"#
    );
    assert_eq!((public.status, &public.text), (200, &text));
    let paid = gateway.pay(cards::APPROVED).await?;
    let hidden = get_as_payer(gateway, &format!("/v1/payments/public/{}", paid.at("/id"))).await?;
    assert_eq!((hidden.status, hidden.text), (404, missing()));
    Ok(())
}

async fn a_session_is_a_payment_on_its_page(gateway: &Gateway) -> Result<()> {
    let asked =
        json!({"amount": "99.99", "currency": "USD", "return_url": "https://yoursite.com/success"});
    let made = post(gateway, "/v1/payments/session", &asked).await?;
    let (session, url) = (made.at("/session_id"), made.at("/checkout_url"));
    assert_eq!(
        (made.status, &made.text),
        (
            201,
            &format!(r#"{{"session_id":"{session}","checkout_url":"{url}"}}"#)
        )
    );
    let read = get_as_payer(gateway, &format!("/v1/payments/session/{session}")).await?;
    let id = read.at("/payment/id");
    assert_eq!(
        (read.status, &read.text),
        (
            200,
            &format!(
                r#"{{"session_id":"{session}","checkout_url":"{url}","payment":{{"id":"{id}","amount":"99.99","currency":"USD","description":null,"status":"pending","items":[],"return_url":"https://yoursite.com/success","test":true}}}}"#
            )
        )
    );
    assert_eq!(
        session.trim_start_matches("session_"),
        id.trim_start_matches("pay_")
    );
    assert!(carried(url)?.contains(&format!(r#""id_payment": "{id}""#)));
    let none = get_as_payer(
        gateway,
        "/v1/payments/session/session_0000000000000000000001",
    )
    .await?;
    assert_eq!(
        (none.status, none.at("/title")),
        (404, "Sessions not found")
    );
    Ok(())
}
