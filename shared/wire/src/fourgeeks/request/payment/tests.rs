//! Accepted and rejected request bodies.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::error::SurfaceError;
use crate::fourgeeks::error::Error;
use crate::samples::{any_json, items, with};

fn example() -> Value {
    json!({
        "amount": "500.00",
        "description": "Premium subscription payment",
        "currency": "USD",
        "items": ["Premium Plan - Monthly"],
        "return_url": "https://example.com/payment-result"
    })
}

/// The `content` of the error for a body with this value; empty if the body is accepted.
fn field_error(name: &str, value: Value) -> String {
    let body = with(example(), &format!("/{name}"), value);
    let error = CreatePayment::read(body, Mode::Test).err();
    let body = error
        .map(|wrong| Error::from(wrong).body())
        .unwrap_or_default();
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let content = body.get("content").and_then(Value::as_str);
    content.unwrap_or_default().to_owned()
}

#[test]
fn the_documents_example_is_read_and_described() -> Result<(), Error> {
    assert!(serde_json::from_value::<CreatePaymentBody>(example()).is_ok());
    let read = CreatePayment::read(example(), Mode::Live)?;
    assert_eq!(read.money.minor(), 50_000);
    assert_eq!(
        read.description.as_deref(),
        Some("Premium subscription payment")
    );
    assert_eq!(read.checkout.items, ["Premium Plan - Monthly"]);
    assert_eq!(
        read.checkout.return_url,
        "https://example.com/payment-result"
    );
    Ok(())
}

#[test]
fn a_session_needs_less() -> Result<(), Error> {
    let full = json!({
        "amount": "99.99", "currency": "USD", "description": "Premium subscription",
        "items": ["Premium Plan"], "return_url": "https://yoursite.com/success", "mode": "payment"
    });
    let least = json!({"amount": "7", "currency": "JPY", "return_url": "https://yoursite.com/"});
    for body in [full, least.clone()] {
        assert!(serde_json::from_value::<CreateSessionBody>(body.clone()).is_ok());
        CreatePayment::read_session(body, Mode::Live)?;
    }
    let read = CreatePayment::read_session(least.clone(), Mode::Live)?;
    assert_eq!((read.description, read.checkout.items), (None, vec![]));
    for (name, value) in [
        ("mode", "subscription"),
        ("price_id", "price_1"),
        ("customer_id", "cus_1"),
    ] {
        let body = with(least.clone(), &format!("/{name}"), json!(value));
        assert!(
            CreatePayment::read_session(body, Mode::Test).is_err(),
            "{name}"
        );
    }
    Ok(())
}

/// Asserts that a body with this value is rejected, and why.
#[track_caller]
fn assert_rejected(name: &str, value: Value, why: &str) {
    let shown = value.to_string();
    let found = field_error(name, value);
    assert_eq!(found, format!("The {name} field {why}."), "{shown}");
}

#[test]
fn all_five_are_required() {
    for name in ["amount", "description", "currency", "items", "return_url"] {
        assert_rejected(name, Value::Null, "is required");
    }
}

#[test]
fn money_is_decimal_text_in_range() {
    for wrong in items(json!([500, 500.0, true, ["500.00"], {}])) {
        assert_rejected("amount", wrong, "must be a string");
    }
    for wrong in ["", "500.001", "-5", "5e2", "0500", " 5", "5,00", "five"] {
        let why =
            "must be a decimal number in a string, such as \"99.99\", with at most 2 decimals";
        assert_rejected("amount", json!(wrong), why);
    }
    for zero in ["0", "0.00"] {
        assert_rejected("amount", json!(zero), "must be more than 0");
    }
    for large in ["10000000000.00", "9999999999999999999999999999999999"] {
        assert_rejected("amount", json!(large), "must have at most 12 digits");
    }
    assert_eq!(field_error("amount", json!("9999999999.99")), "");
    assert_eq!(field_error("amount", json!("0.01")), "");
    // Its digits are those of a card.
    assert_eq!(field_error("amount", json!("5018000000.09")), "");
    for code in ["usd", "XXX", "USDC", "", "US", "€€€"] {
        let why = "must be an ISO 4217 code in upper case, such as USD";
        assert_rejected("currency", json!(code), why);
    }
    let expected = "The amount field must be a whole number in a string, such as \"99\".";
    assert_eq!(field_error("currency", json!("JPY")), expected);
}

#[test]
fn items_are_a_few_short_texts() {
    for wrong in items(json!(["Premium Plan", [1], {}, [null]])) {
        assert_rejected("items", wrong, "must be an array of strings");
    }
    for wrong in [json!([]), json!(vec!["x"; 51])] {
        assert_rejected("items", wrong, "must have 1 to 50 items");
    }
    let (long, many) = ("x".repeat(101), vec!["x".repeat(21); 50]);
    for wrong in items(json!([[""], [" "], ["a\0b"], [long], many])) {
        let why = "must have texts of 1 to 100 characters, 1000 together, without NUL";
        assert_rejected("items", wrong, why);
    }
    assert_eq!(field_error("items", json!(vec!["ü".repeat(20); 50])), "");
}

#[test]
fn the_return_link_is_an_absolute_url() {
    for wrong in [
        "",
        "/payment-result",
        "example.com",
        "//example.com/",
        "ftp://example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https:example.com",
        "https://exa mple.com/",
        "https://example.com/\n",
        "\thttps://example.com/",
        "https://exämple.com/",
        "HTTPS://example.com/",
    ] {
        let why = "must be an absolute URL, such as https://example.com/payment-result";
        assert_rejected("return_url", json!(wrong), why);
    }
    for wrong in [
        "https://user@example.com/",
        "https://:secret@example.com/",
        "https://a:b@example.com/",
    ] {
        assert_rejected(
            "return_url",
            json!(wrong),
            "must not hold a user name or password",
        );
    }
    for wrong in ["https://", "https:///example.com/"] {
        assert_rejected("return_url", json!(wrong), "must name a host");
    }
    let why = "must not contain blanks, control characters or backslashes";
    assert_rejected("return_url", json!("https://a\\@b/"), why);
    let plain = "http://127.0.0.1:9000/back?order=7#top";
    assert_eq!(field_error("return_url", json!(plain)), "");
    let live = with(example(), "/return_url", json!(plain));
    assert!(CreatePayment::read(live, Mode::Live).is_err());
}

#[test]
fn card_numbers_and_unknown_fields_are_refused() {
    let number = "4242 4242 4242 4242";
    for (name, value) in [
        ("description", json!(number)),
        ("items", json!(["Plan", number])),
        ("return_url", json!("https://example.com/4242424242424242")),
    ] {
        let why = "holds what looks like a card number. Nothing was stored";
        assert_rejected(name, value, why);
    }
    assert_rejected("capture", json!(true), "is not known");
    assert_rejected("card", json!({"number": number}), "is not known");
    assert_rejected("description", json!("  "), "must not be empty");
    assert!(field_error("description", json!("x".repeat(501))).contains("at most 500 characters"));
}

proptest! {
    #[test]
    fn no_json_breaks_the_reader(body in any_json()) {
        for read in [CreatePayment::read, CreatePayment::read_session] {
            let _ = read(body.clone(), Mode::Test);
        }
    }

    #[test]
    fn no_value_in_any_place_breaks_the_reader(
        name in prop::sample::select(vec!["amount", "description", "currency", "items", "return_url"]),
        value in any_json(),
    ) {
        let body = with(example(), &format!("/{name}"), value);
        if let Err(wrong) = CreatePayment::read(body, Mode::Test) {
            prop_assert!(Error::from(wrong).body().contains(name));
        }
    }

    #[test]
    fn what_is_taken_is_kept_as_it_is(url in "https?://[a-z.]{1,10}/[!-~]{0,20}") {
        let body = with(example(), "/return_url", json!(url));
        if let Ok(read) = CreatePayment::read(body, Mode::Test) {
            prop_assert_eq!(read.checkout.return_url, url);
        }
    }
}
