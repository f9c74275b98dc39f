//! One wrong field at a time, in an otherwise right request.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Gateway, cards, example, run_cases};

use super::{Refusal, refusal, refused};

type Case = (&'static str, Value, Refusal);

fn money() -> Vec<Case> {
    let amount = |value, code| ("/amount", value, refusal(400, code, "amount"));
    let currency = |value, code| ("/currency", value, refusal(400, code, "currency"));
    vec![
        amount(json!("5000"), "parameter_invalid"),
        amount(json!("50.00"), "parameter_invalid"),
        amount(json!(50.0), "parameter_invalid"),
        amount(json!(5e3), "parameter_invalid"),
        amount(json!(0.5), "parameter_invalid"),
        amount(json!(true), "parameter_invalid"),
        amount(json!([5000]), "parameter_invalid"),
        amount(
            json!({"value": 5000, "currency": "USD"}),
            "parameter_invalid",
        ),
        amount(json!(null), "parameter_missing"),
        amount(json!(0), "amount_too_small"),
        amount(json!(-1), "amount_too_small"),
        amount(json!(-5000), "amount_too_small"),
        amount(json!(i64::MIN), "amount_too_small"),
        amount(json!(49), "amount_too_small"),
        amount(json!(1_000_000_000_000_u64), "amount_too_large"),
        amount(json!(i64::MAX), "amount_too_large"),
        amount(json!(u64::MAX), "amount_too_large"),
        currency(json!("usd"), "currency_invalid"),
        currency(json!("US"), "currency_invalid"),
        currency(json!("USDX"), "currency_invalid"),
        currency(json!("ZZZ"), "currency_invalid"),
        currency(json!("XXX"), "currency_invalid"),
        currency(json!("XAU"), "currency_invalid"),
        currency(json!(" USD"), "currency_invalid"),
        currency(json!("ＵＳＤ"), "currency_invalid"),
        currency(json!(""), "currency_invalid"),
        currency(json!(840), "parameter_invalid"),
        currency(json!(null), "parameter_missing"),
    ]
}

fn card() -> Vec<Case> {
    let number = |value, code| ("/card/number", value, refusal(400, code, "card.number"));
    let month = |value, code| {
        (
            "/card/exp_month",
            value,
            refusal(400, code, "card.exp_month"),
        )
    };
    let year = |value, code| ("/card/exp_year", value, refusal(400, code, "card.exp_year"));
    let cvc = |value, code| ("/card/cvc", value, refusal(400, code, "card.cvc"));
    let whole = |value, code, param| ("/card", value, refusal(400, code, param));
    vec![
        number(json!("4242424242424241"), "incorrect_number"),
        number(json!("4242"), "invalid_number"),
        number(json!("42424242424242424242424242"), "invalid_number"),
        number(json!("4242x242y242z242"), "invalid_number"),
        number(json!("４２４２４２４２４２４２４２４２"), "invalid_number"),
        number(json!(""), "invalid_number"),
        number(json!("4".repeat(41)), "parameter_invalid"),
        number(json!("4242424242424242\u{0}"), "parameter_invalid"),
        number(json!(4_242_424_242_424_242_u64), "parameter_invalid"),
        number(json!([cards::APPROVED]), "parameter_invalid"),
        number(json!(null), "parameter_missing"),
        month(json!(0), "invalid_expiry_month"),
        month(json!(13), "invalid_expiry_month"),
        month(json!(-1), "invalid_expiry_month"),
        month(json!("12"), "parameter_invalid"),
        month(json!(12.0), "parameter_invalid"),
        month(json!(null), "parameter_missing"),
        year(json!(25), "invalid_expiry_year"),
        year(json!(1999), "invalid_expiry_year"),
        year(json!(2100), "invalid_expiry_year"),
        year(json!(20_250), "invalid_expiry_year"),
        year(json!("2025"), "parameter_invalid"),
        year(json!(null), "parameter_missing"),
        cvc(json!("12"), "invalid_cvc"),
        cvc(json!("1234"), "invalid_cvc"),
        cvc(json!("12a"), "invalid_cvc"),
        cvc(json!(""), "invalid_cvc"),
        cvc(json!(123), "parameter_invalid"),
        cvc(json!(null), "parameter_missing"),
        whole(json!(cards::APPROVED), "parameter_invalid", "card"),
        whole(json!([]), "parameter_invalid", "card"),
        whole(json!({}), "parameter_missing", "card.number"),
    ]
}

fn texts() -> Vec<Case> {
    let case = |pointer, value, code, param| (pointer, value, refusal(400, code, param));
    let misplaced = |pointer, value, param| case(pointer, value, "card_number_misplaced", param);
    let invalid = |pointer, value, param| case(pointer, value, "parameter_invalid", param);
    vec![
        misplaced(
            "/description",
            json!(format!("card {}", cards::APPROVED)),
            "description",
        ),
        misplaced("/description", json!("4242 4242 4242 4242"), "description"),
        misplaced("/description", json!("4242-4242-4242-4242"), "description"),
        misplaced(
            "/description",
            json!("order 7 4242 4242 4242 4242"),
            "description",
        ),
        misplaced("/customer/name", json!(cards::APPROVED), "customer.name"),
        misplaced(
            "/customer/email",
            json!(format!("{}@example.com", cards::APPROVED)),
            "customer.email",
        ),
        misplaced("/customer/phone", json!(cards::APPROVED), "customer.phone"),
        misplaced("/metadata", json!({"note": cards::APPROVED}), "metadata"),
        misplaced("/metadata", json!({ cards::APPROVED: "note" }), "metadata"),
        misplaced(
            "/metadata",
            json!({"a": {"b": [1, cards::APPROVED]}}),
            "metadata",
        ),
        misplaced(
            "/metadata",
            json!({"n": 4_242_424_242_424_242_u64}),
            "metadata",
        ),
        misplaced("/payment_method", json!(cards::APPROVED), "payment_method"),
        misplaced("/currency", json!(cards::APPROVED), "currency"),
        invalid("/description", json!("a\u{0}b"), "description"),
        invalid("/description", json!("x".repeat(1_001)), "description"),
        invalid("/description", json!(7), "description"),
        invalid("/metadata", json!("text"), "metadata"),
        invalid("/metadata", json!([]), "metadata"),
        invalid("/metadata", json!({"a\u{0}": 1}), "metadata"),
        invalid("/metadata", json!({"a": "x".repeat(501)}), "metadata"),
        invalid(
            "/metadata",
            json!({"a": {"b": {"c": {"d": {"e": {}}}}}}),
            "metadata",
        ),
        invalid("/customer", json!("customer@example.com"), "customer"),
        invalid("/customer/name", json!("x".repeat(201)), "customer.name"),
        invalid("/customer/phone", json!(491_234), "customer.phone"),
        case(
            "/customer/email",
            json!("nobody"),
            "email_invalid",
            "customer.email",
        ),
        case(
            "/customer/email",
            json!("a b@c"),
            "email_invalid",
            "customer.email",
        ),
        case(
            "/customer/email",
            json!("a@b@c"),
            "email_invalid",
            "customer.email",
        ),
        case("/amout", json!(1), "parameter_unknown", "amout"),
        case("/capture", json!(false), "parameter_unknown", "capture"),
        case(
            "/customer/id",
            json!("cus_1"),
            "parameter_unknown",
            "customer.id",
        ),
        case(
            "/card/name",
            json!("John Doe"),
            "parameter_unknown",
            "card.name",
        ),
        case("/4242424242424242", json!(1), "parameter_unknown", "…"),
    ]
}

fn methods() -> Vec<Case> {
    let method = |value, code| {
        (
            "/payment_method",
            value,
            refusal(400, code, "payment_method"),
        )
    };
    vec![
        method(json!("cash"), "payment_method_unsupported"),
        method(json!("apple_pay"), "payment_method_unsupported"),
        method(json!("google_pay"), "payment_method_unsupported"),
        method(json!(7), "parameter_invalid"),
        method(json!(null), "parameter_missing"),
    ]
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        wrong_fields_are_named,
        too_small_an_amount_is_answered_as_printed,
        amounts_keep_their_currencys_exponent,
        unusual_texts_come_back_as_they_were,
    )
}

async fn wrong_fields_are_named(gateway: &Gateway) -> Result<()> {
    let many: serde_json::Map<String, Value> =
        (0..51).map(|n| (format!("k{n}"), json!(n))).collect();
    let many = (
        "/metadata",
        json!(many),
        refusal(400, "parameter_invalid", "metadata"),
    );
    let cases = [money(), card(), texts(), methods(), vec![many]]
        .into_iter()
        .flatten();
    let mut wrong = Vec::new();
    for (pointer, value, refusal) in cases {
        let mut body = example(cards::APPROVED);
        let (parent, name) = pointer.rsplit_once('/').context("a path")?;
        let parent = body.pointer_mut(parent).and_then(Value::as_object_mut);
        parent
            .context("an object")?
            .insert(name.to_owned(), value.clone());
        let request = gateway.posting("/v1/payments", &body);
        if let Err(error) = refused(gateway, request, &refusal).await {
            wrong.push(format!("{pointer} {value}: {error:#}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    gateway.check_nothing_stored().await?;
    Ok(())
}

/// The document's own error, byte for byte.
async fn too_small_an_amount_is_answered_as_printed(gateway: &Gateway) -> Result<()> {
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
        refused(
            gateway,
            request,
            &refusal(400, "amount_too_small", "amount"),
        )
        .await?;
    }
    Ok(())
}

/// What is unusual and right is taken as it is.
async fn unusual_texts_come_back_as_they_were(gateway: &Gateway) -> Result<()> {
    let mut body = example("4242 4242-4242 4242");
    body["description"] = json!("Große Bestellung „№ 1“ \u{1f4b3} \\ \" \u{7f} 1234567812345678");
    body["metadata"] =
        json!({"null": null, "deep": {"a": [true, {"b": "c"}]}, "pi": 3.25, "": "x"});
    body["customer"] =
        json!({"email": "größe@exämple.com", "name": "Ada\tLovelace", "phone": "+49 30 1234"});
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
