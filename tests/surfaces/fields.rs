//! Fields of paygate payments.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Gateway, cards, example, run_cases};

use super::{expect_error, refusal};

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        wrong_fields_are_named,
        a_too_small_amount_gets_the_documented_error,
        amounts_keep_their_currencys_exponent,
        cards_of_all_lengths_are_charged,
        unusual_texts_are_returned_unchanged,
    )
}

/// `wire` has the tables of what its readers refuse.
async fn wrong_fields_are_named(gateway: &Gateway) -> Result<()> {
    for (pointer, value, code, param) in [
        ("/amount", json!("5000"), "parameter_invalid", "amount"),
        ("/amount", json!(49), "amount_too_small", "amount"),
        ("/currency", json!("usd"), "currency_invalid", "currency"),
        ("/currency", json!("HRK"), "currency_invalid", "currency"),
        (
            "/card/number",
            json!(cards::INVALID),
            "incorrect_number",
            "card.number",
        ),
        ("/card", json!({}), "parameter_missing", "card.number"),
        (
            "/description",
            json!("4242-4242-4242-4242"),
            "card_number_misplaced",
            "description",
        ),
        (
            "/description",
            json!("card 5018\u{200b}0000\u{200b}0009"),
            "card_number_misplaced",
            "description",
        ),
        (
            "/metadata",
            json!({"note": cards::APPROVED}),
            "card_number_misplaced",
            "metadata",
        ),
        (
            "/metadata",
            json!({"note": 4_000_000_000_000_000_006_u64}),
            "card_number_misplaced",
            "metadata",
        ),
        (
            "/customer/email",
            json!("nobody"),
            "email_invalid",
            "customer.email",
        ),
        (
            "/payment_method",
            json!("cash"),
            "payment_method_unsupported",
            "payment_method",
        ),
        ("/capture", json!(false), "parameter_unknown", "capture"),
        ("/4242424242424242", json!(1), "parameter_unknown", "…"),
    ] {
        let mut body = example(cards::APPROVED);
        let (parent, name) = pointer.rsplit_once('/').context("a path")?;
        let parent = body.pointer_mut(parent).and_then(Value::as_object_mut);
        parent.context("an object")?.insert(name.to_owned(), value);
        let request = gateway.posting("/v1/payments", &body);
        let answer = expect_error(gateway, request, &refusal(400, code, param)).await;
        answer.context(pointer)?;
    }
    gateway.check_nothing_stored().await
}

/// The document's own error, byte for byte.
async fn a_too_small_amount_gets_the_documented_error(gateway: &Gateway) -> Result<()> {
    let mut body = example(cards::APPROVED);
    body["amount"] = json!(49);
    let answer = gateway.post("/v1/payments", &body).await?;
    assert_eq!(
        answer.text,
        r#"{"error":{"type":"invalid_request_error","code":"amount_too_small","message":"Amount must be at least $0.50 USD","param":"amount"}}"#
    );
    Ok(())
}

/// Currencies without and with a third digit, and the ends of what is taken.
async fn amounts_keep_their_currencys_exponent(gateway: &Gateway) -> Result<()> {
    for (amount, currency, at_acquirer) in [
        (50_i64, "USD", "0.50"),
        (999_999_999_999, "USD", "9999999999.99"),
        (50, "JPY", "50"),
        (999_999_999_999, "JPY", "999999999999"),
        (500, "KWD", "0.500"),
        (1_234, "KWD", "1.234"),
        (10_001, "CLF", "1.0001"),
    ] {
        let mut body = example(cards::APPROVED);
        body["amount"] = json!(amount);
        body["currency"] = json!(currency);
        let paid = gateway.post("/v1/payments", &body).await?;
        let found = (
            paid.status,
            paid.at("/status"),
            &paid.body["amount"],
            paid.at("/currency"),
        );
        assert_eq!(
            found,
            (200, "succeeded", &json!(amount), currency),
            "{}",
            paid.text
        );
        let read = gateway
            .get(&format!("/v1/payments/{}", paid.at("/id")))
            .await?;
        assert_eq!(read.text, paid.text);
        let records = gateway.sandbox_log()?;
        let last = records.last().context("no record")?;
        assert_eq!(
            last.amount.as_deref(),
            Some(at_acquirer),
            "{amount} {currency}"
        );
    }
    for (amount, currency) in [(49, "JPY"), (499, "KWD"), (4_999, "CLF")] {
        let mut body = example(cards::APPROVED);
        body["amount"] = json!(amount);
        body["currency"] = json!(currency);
        let request = gateway.posting("/v1/payments", &body);
        expect_error(
            gateway,
            request,
            &refusal(400, "amount_too_small", "amount"),
        )
        .await?;
    }
    Ok(())
}

/// `domain` has the table of the brands' lengths.
async fn cards_of_all_lengths_are_charged(gateway: &Gateway) -> Result<()> {
    for number in [
        "501800000009",
        "4000000000000000006",
        "6011000000000000001",
        "3528000000000000007",
        "3600000000000000004",
    ] {
        let paid = gateway.pay(number).await?;
        let found = (paid.status, paid.at("/status"));
        assert_eq!(found, (200, "succeeded"), "{}", paid.text);
    }
    Ok(())
}

/// What is unusual and right is taken as it is.
async fn unusual_texts_are_returned_unchanged(gateway: &Gateway) -> Result<()> {
    let mut body = example("4242 4242-4242 4242");
    body["description"] = json!("Große Bestellung „№ 1“ \u{1f4b3} \\ \" \u{7f} 1234567812345678");
    body["metadata"] =
        json!({"null": null, "deep": {"a": [true, {"b": "c"}]}, "pi": 3.25, "": "x"});
    body["customer"] =
        json!({"email": "größe@exämple.com", "name": "Ada\tLovelace", "phone": "+49 1512 3456785"});
    let paid = gateway.post("/v1/payments", &body).await?;
    assert_eq!(
        (paid.status, paid.at("/status")),
        (200, "succeeded"),
        "{}",
        paid.text
    );
    for field in ["description", "metadata"] {
        assert_eq!(paid.body[field], body[field]);
    }
    assert_eq!(paid.body["customer"]["email"], body["customer"]["email"]);
    let read = gateway
        .get(&format!("/v1/payments/{}", paid.at("/id")))
        .await?;
    assert_eq!(read.text, paid.text);
    Ok(())
}
