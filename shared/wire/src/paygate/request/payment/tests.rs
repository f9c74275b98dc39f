//! Accepted and rejected request bodies.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::error::SurfaceError;
use crate::samples::{self, any_json};

/// A test card number.
const NUMBER: &str = "4242424242424242";

fn example() -> Value {
    json!({
        "amount": 5000, "currency": "USD", "payment_method": "card",
        "customer": {"email": "customer@example.com", "name": "John Doe"},
        "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2025, "cvc": "123"},
        "description": "Order #12345"
    })
}

fn with(pointer: &str, value: Value) -> Result<CreatePayment, Error> {
    CreatePayment::read(samples::with(example(), pointer, value))
}

fn field_error(pointer: &str, value: Value) -> (&'static str, Option<String>) {
    with(pointer, value)
        .err()
        .map_or(("accepted", None), |error| (error.code, error.param))
}

#[test]
fn the_documents_example_is_read() -> Result<(), Error> {
    assert!(serde_json::from_value::<CreatePaymentBody>(example()).is_ok());
    let read = CreatePayment::read(example())?;
    assert_eq!(read.money.minor(), 5_000);
    assert_eq!(
        read.card.map(|card| card.masked().last4).as_deref(),
        Some("4242")
    );
    assert!(
        read.customer
            .is_some_and(|c| c.name.as_deref() == Some("John Doe"))
    );
    Ok(())
}

#[test]
fn the_documents_error_is_answered() {
    let error = with("/amount", json!(49)).err();
    assert_eq!(
        error.map(|error| error.body()).as_deref(),
        Some(
            r#"{"error":{"type":"invalid_request_error","code":"amount_too_small","message":"Amount must be at least $0.50 USD","param":"amount"}}"#
        )
    );
}

type Case = (&'static str, Value, &'static str);

fn money() -> Vec<Case> {
    let amount = |value, code| ("/amount", value, code);
    let currency = |value, code| ("/currency", value, code);
    vec![
        amount(json!("5000"), "parameter_invalid"),
        amount(json!("50.00"), "parameter_invalid"),
        amount(json!(50.0), "parameter_invalid"),
        amount(json!(5e3), "parameter_invalid"),
        amount(json!(0.5), "parameter_invalid"),
        amount(json!(true), "parameter_invalid"),
        amount(json!([5000]), "parameter_invalid"),
        amount(json!({}), "parameter_invalid"),
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
        currency(json!("USDC"), "currency_invalid"),
        currency(json!("ZZZ"), "currency_invalid"),
        currency(json!("XXX"), "currency_invalid"),
        currency(json!("XAU"), "currency_invalid"),
        currency(json!(" USD"), "currency_invalid"),
        currency(json!("ＵＳＤ"), "currency_invalid"),
        currency(json!("€€€"), "currency_invalid"),
        currency(json!(""), "currency_invalid"),
        currency(json!(840), "parameter_invalid"),
        currency(json!(null), "parameter_missing"),
    ]
}

fn card() -> Vec<Case> {
    let number = |value, code| ("/card/number", value, code);
    let month = |value, code| ("/card/exp_month", value, code);
    let year = |value, code| ("/card/exp_year", value, code);
    let cvc = |value, code| ("/card/cvc", value, code);
    vec![
        number(json!("4242424242424241"), "incorrect_number"),
        number(json!("42"), "invalid_number"),
        number(json!("4242"), "invalid_number"),
        number(json!("42424242424242424242424242"), "invalid_number"),
        number(json!("4242x242y242z242"), "invalid_number"),
        number(json!("４２４２４２４２４２４２４２４２"), "invalid_number"),
        number(json!(""), "invalid_number"),
        number(json!("4".repeat(41)), "parameter_invalid"),
        number(json!("4242424242424242\u{0}"), "parameter_invalid"),
        number(json!(4_242_424_242_424_242_u64), "parameter_invalid"),
        number(json!([NUMBER]), "parameter_invalid"),
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
        ("/card", json!(NUMBER), "parameter_invalid"),
        ("/card", json!([]), "parameter_invalid"),
        ("/card/pin", json!("1"), "parameter_unknown"),
        ("/card/name", json!("John Doe"), "parameter_unknown"),
    ]
}

fn texts() -> Vec<Case> {
    let long = |length| json!("x".repeat(length));
    let many: Map<String, Value> = (0..51).map(|n| (format!("k{n}"), json!(n))).collect();
    let deep = json!({"a": {"b": {"c": {"d": {"e": {}}}}}});
    vec![
        ("/description", json!("a\u{0}b"), "parameter_invalid"),
        ("/description", long(1_001), "parameter_invalid"),
        ("/description", json!(7), "parameter_invalid"),
        ("/metadata", json!("text"), "parameter_invalid"),
        ("/metadata", json!([]), "parameter_invalid"),
        ("/metadata", json!([1]), "parameter_invalid"),
        ("/metadata", json!({"a\u{0}": 1}), "parameter_invalid"),
        ("/metadata", json!({"a": long(501)}), "parameter_invalid"),
        ("/metadata", json!(many), "parameter_invalid"),
        ("/metadata", deep, "parameter_invalid"),
        (
            "/customer",
            json!("customer@example.com"),
            "parameter_invalid",
        ),
        ("/customer/name", long(201), "parameter_invalid"),
        ("/customer/phone", json!(491_234), "parameter_invalid"),
        ("/customer/email", json!("nobody"), "email_invalid"),
        ("/customer/email", json!("a b@c"), "email_invalid"),
        ("/customer/email", json!("a@b@c"), "email_invalid"),
        ("/customer/id", json!("cus_1"), "parameter_unknown"),
        ("/amout", json!(1), "parameter_unknown"),
        ("/capture", json!(false), "parameter_unknown"),
        (
            "/payment_method",
            json!("cash"),
            "payment_method_unsupported",
        ),
        (
            "/payment_method",
            json!("apple_pay"),
            "payment_method_unsupported",
        ),
        (
            "/payment_method",
            json!("google_pay"),
            "payment_method_unsupported",
        ),
        ("/payment_method", json!(7), "parameter_invalid"),
        ("/payment_method", json!(null), "parameter_missing"),
    ]
}

fn misplaced_cards() -> Vec<Case> {
    let misplaced = |pointer, value| (pointer, value, "card_number_misplaced");
    vec![
        misplaced("/description", json!(format!("card {NUMBER}"))),
        misplaced("/description", json!("4242 4242 4242 4242")),
        misplaced("/description", json!("4242-4242-4242-4242")),
        misplaced("/description", json!("order 7 4242 4242 4242 4242")),
        misplaced("/description", json!("4000000000000000006")),
        misplaced("/description", json!("5018 0000 0009")),
        misplaced("/customer/name", json!(NUMBER)),
        misplaced("/customer/email", json!(format!("{NUMBER}@example.com"))),
        misplaced("/customer/phone", json!(NUMBER)),
        misplaced("/metadata", json!({"note": NUMBER})),
        misplaced("/metadata", json!({ NUMBER: "note" })),
        misplaced("/metadata", json!({"a": {"b": [1, NUMBER]}})),
        misplaced("/metadata", json!({"n": 4_242_424_242_424_242_u64})),
        misplaced("/payment_method", json!(NUMBER)),
        misplaced("/currency", json!(NUMBER)),
    ]
}

#[test]
fn each_wrong_field_is_named() {
    let cases = [money(), card(), texts(), misplaced_cards()];
    for (pointer, value, code) in cases.into_iter().flatten() {
        let param = pointer.trim_start_matches('/').replace('/', ".");
        let found = field_error(pointer, value.clone());
        assert_eq!(found, (code, Some(param)), "{pointer} {value}");
    }
    let empty = field_error("/card", json!({}));
    assert_eq!(empty, ("parameter_missing", Some("card.number".to_owned())));
}

#[test]
fn no_error_repeats_a_card_number() {
    for name in [NUMBER, "4242 4242 4242 4242"] {
        let error = with(&format!("/{name}"), json!(1)).err();
        let found = error.map(|error| (error.code, error.body().contains("4242")));
        assert_eq!(found, Some(("parameter_unknown", false)), "{name}");
    }
    for (pointer, value, _) in misplaced_cards() {
        let body = with(pointer, value).err().map(|error| error.body());
        assert!(body.is_some_and(|body| !body.contains("4242")), "{pointer}");
    }
}

proptest! {
    #[test]
    fn no_json_breaks_the_reader(body in any_json()) {
        if let Err(error) = CreatePayment::read(body) {
            prop_assert_eq!(error.status, 400);
        }
    }

    #[test]
    fn no_value_in_any_place_breaks_the_reader(
        pointer in prop::sample::select(vec!["/amount", "/currency", "/card", "/card/number", "/card/cvc",
            "/card/exp_month", "/customer", "/customer/email", "/description", "/metadata"]),
        value in any_json(),
    ) {
        if let Err(error) = with(pointer, value) {
            prop_assert_eq!(error.status, 400);
            prop_assert!(error.param.is_some());
        }
    }
}
