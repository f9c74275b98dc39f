use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::error::SurfaceError;
use crate::samples::{self, any_json, items};

/// The example in the contract's reference.
fn example() -> Value {
    json!({"amount": "100.00", "currency": "USDC", "type": "DELIVERY_VS_PAYMENT"})
}

/// A body with every field.
fn whole() -> Value {
    json!({
        "amount": "1000.00", "currency": "USDC", "type": "DELIVERY_VS_PAYMENT",
        "settlementMethod": "OFF_RAMP_TO_BANK", "settlementDestination": "bank_account_123",
        "description": "Order #12345", "deliveryPeriod": 1_209_600, "autoRelease": true,
        "expectedDeliveryHash": format!("0x{}", "4f".repeat(32)),
        "deliveryOracle": "0x742d35Cc6634C0532925a3b844Bc9e7595f42318",
        "metadata": {"releaseType": "TIME_LOCKED", "timeLockUntil": "1735689600"}
    })
}

/// Reads the body with this value at `path`.
fn with(path: &str, value: Value) -> Result<CreateIntent, Error> {
    CreateIntent::read(samples::with(whole(), &format!("/{path}"), value))
}

fn field_error(path: &str, value: Value) -> (String, String) {
    let error = with(path, value).err();
    error.map_or(("accepted".to_owned(), String::new()), |error| {
        (error.message, error.param.unwrap_or_default())
    })
}

#[test]
fn the_documents_example_is_read_with_defaults() -> Result<(), Error> {
    assert!(serde_json::from_value::<IntentBody>(example()).is_ok());
    let read = CreateIntent::read(example())?;
    assert_eq!(read.money.minor(), 100_000_000);
    assert_eq!(read.kind, Kind::DeliveryVsPayment);
    assert_eq!(read.settlement_method, SettlementMethod::OffRampMock);
    assert_eq!(read.settlement_destination, None);
    let terms = Terms {
        delivery_period_seconds: 2_592_000,
        expected_delivery_hash: None,
        auto_release: false,
        delivery_oracle: None,
    };
    assert_eq!(read.terms, terms);
    Ok(())
}

#[test]
fn every_field_is_read() -> Result<(), Error> {
    assert!(serde_json::from_value::<IntentBody>(whole()).is_ok());
    let read = CreateIntent::read(whole())?;
    assert_eq!(read.settlement_method, SettlementMethod::OffRampToBank);
    let destination = read.settlement_destination.as_deref();
    assert_eq!(destination, Some("bank_account_123"));
    assert_eq!(read.description.as_deref(), Some("Order #12345"));
    assert_eq!(read.terms.delivery_period_seconds, 1_209_600);
    assert!(read.terms.auto_release && read.terms.expected_delivery_hash.is_some());
    assert!(read.terms.delivery_oracle.is_some());
    assert_eq!(Value::Object(read.metadata), whole()["metadata"]);
    Ok(())
}

#[test]
fn the_documents_error_is_answered() {
    for zero in ["0", "0.00", "-0", "-1", "-100.00", "0.000000"] {
        let error = with("amount", json!(zero)).err();
        assert_eq!(
            error.map(|error| error.body()).as_deref(),
            Some(
                r#"{"error":{"code":"invalid_request","message":"The amount must be greater than 0","type":"invalid_request_error","param":"amount"}}"#
            ),
            "{zero}"
        );
    }
}

#[test]
fn an_amount_is_a_plain_decimal_in_a_string() {
    let texts = [
        "", ".", "100.", ".5", "+1", "--1", "1e2", "1,000.00", "1_000", " 1", "1 ", "007", "00",
        "0x10", "NaN", "inf", "1.0.0", "١", "1.０",
    ];
    let others = items(json!([100, 100.0, true, ["100.00"], {}]));
    for wrong in texts.into_iter().map(Value::from).chain(others) {
        let (message, param) = field_error("amount", wrong.clone());
        assert_eq!(param, "amount", "{wrong}");
        assert!(message.contains("amount must be a"), "{message}");
    }
    assert_eq!(field_error("amount", Value::Null).0, "amount is required");
    for (currency, finest, too_fine) in [
        ("USD", "0.01", "0.010"),
        ("USDC", "0.000001", "0.0000001"),
        ("USDT", "1.123456", "1.1234567"),
        ("DAI", "1.123456789012345678", "1.1234567890123456789"),
    ] {
        let of = |amount: &str| {
            let body = json!({"amount": amount, "currency": currency, "type": "CONDITIONAL"});
            CreateIntent::read(body).map_err(|error| error.message)
        };
        assert!(of(finest).is_ok(), "{currency}");
        let field_error = of(too_fine).err().unwrap_or_default();
        assert!(field_error.contains("decimals in"), "{field_error}");
        for large in ["1000000000000", "99999999999999999999999999999999999999"] {
            assert_eq!(of(large).err().as_deref(), Some("The amount is too large"));
        }
    }
}

#[test]
fn an_amount_may_look_like_a_card_number() {
    let body = json!({"amount": "4.242424242424242", "currency": "DAI", "type": "CONDITIONAL"});
    assert!(CreateIntent::read(body).is_ok());
}

#[test]
fn words_are_the_contract_s() {
    for (name, wrong) in [
        ("currency", json!("EUR")),
        ("currency", json!("usdc")),
        ("currency", json!("")),
        ("type", json!("delivery_vs_payment")),
        ("type", json!("SALE")),
        ("settlementMethod", json!("OFF_RAMP_TO_ACH")),
        ("settlementMethod", json!(7)),
    ] {
        let (message, param) = field_error(name, wrong);
        assert_eq!(param, name);
        assert!(message.starts_with(&format!("{name} must be")), "{message}");
    }
    for kind in ["DELIVERY_VS_PAYMENT", "CONDITIONAL", "CONSENTED_PULL"] {
        assert!(with("type", json!(kind)).is_ok());
    }
    for name in ["currency", "type"] {
        let expected = (format!("{name} is required"), name.to_owned());
        assert_eq!(field_error(name, Value::Null), expected);
    }
}

#[test]
fn terms_of_delivery_are_checked() {
    let short = format!("0x{}", "4f".repeat(31));
    for (name, values) in [
        ("deliveryPeriod", json!([0, -1, 315_360_001, "1", 1.5])),
        ("expectedDeliveryHash", json!([short, "4f", 7, "0xzz"])),
        ("deliveryOracle", json!([short, "0x", {}])),
        ("autoRelease", json!(["true", 1])),
    ] {
        for value in items(values) {
            assert_eq!(field_error(name, value.clone()).1, name, "{value}");
        }
    }
    // Digits in a hash are not a card number.
    let hash = format!("0xabcd4242424242424242{}", "ef".repeat(22));
    assert_eq!(
        field_error("expectedDeliveryHash", json!(hash)).0,
        "accepted"
    );
}

#[test]
fn what_the_metadata_says_about_release_is_checked() {
    for (metadata, param) in [
        (json!({"releaseType": "WHENEVER"}), "metadata.releaseType"),
        (json!({"releaseType": true}), "metadata.releaseType"),
        (
            json!({"releaseType": "TIME_LOCKED"}),
            "metadata.timeLockUntil",
        ),
        (
            json!({"timeLockUntil": 1_735_689_600}),
            "metadata.timeLockUntil",
        ),
        (json!({"timeLockUntil": ""}), "metadata.timeLockUntil"),
        (
            json!({"timeLockUntil": "tomorrow"}),
            "metadata.timeLockUntil",
        ),
        (json!({"timeLockUntil": "-1"}), "metadata.timeLockUntil"),
        (json!({"autoRelease": "yes"}), "metadata.autoRelease"),
    ] {
        assert_eq!(
            field_error("metadata", metadata.clone()).1,
            param,
            "{metadata}"
        );
    }
    for (metadata, is_automatic) in [
        (json!({"releaseType": "AUTO_RELEASE"}), true),
        (json!({"releaseType": "DELIVERY_PROOF"}), false),
        (
            json!({"releaseType": "DELIVERY_PROOF", "autoRelease": true}),
            true,
        ),
        (
            json!({"releaseType": "MILESTONE_LOCKED", "autoRelease": null}),
            false,
        ),
        (json!({"autoRelease": false}), false),
    ] {
        let mut body = example();
        body["metadata"] = metadata.clone();
        let read = CreateIntent::read(body).map(|read| read.terms.auto_release);
        assert_eq!(read, Ok(is_automatic), "{metadata}");
    }
    // The top-level field takes precedence over the metadata.
    let mut body = example();
    body["autoRelease"] = json!(false);
    body["metadata"] = json!({"autoRelease": true});
    let read = CreateIntent::read(body).map(|read| read.terms.auto_release);
    assert_eq!(read, Ok(false));
}

#[test]
fn card_numbers_and_unknown_fields_are_refused() {
    let number = "4242 4242 4242 4242";
    for name in [
        "currency",
        "type",
        "settlementMethod",
        "settlementDestination",
        "description",
    ] {
        let (message, param) = field_error(name, json!(number));
        assert_eq!(param, name);
        assert!(message.contains("card number") && !message.contains("4242"));
    }
    let (message, param) = field_error("amount", json!(number.replace(' ', "")));
    assert_eq!(
        (message.as_str(), param.as_str()),
        ("The amount is too large", "amount")
    );
    assert_eq!(field_error("metadata/card", json!(number)).1, "metadata");
    assert_eq!(field_error("capture", json!(true)).1, "capture");
}

#[test]
fn texts_and_metadata_have_limits() {
    for (name, value) in [
        ("description", json!("x".repeat(1_001))),
        ("description", json!(7)),
        ("metadata", json!([])),
    ] {
        assert_eq!(field_error(name, value).1, name);
    }
}

#[test]
fn a_cancel_may_have_a_reason() {
    for body in [
        json!({}),
        json!({"reason": "changed my mind"}),
        json!({"reason": null}),
    ] {
        assert!(serde_json::from_value::<CancelBody>(body.clone()).is_ok());
        assert_eq!(cancel(body), Ok(()));
    }
    for (body, param) in [
        (json!([]), None),
        (json!({"reason": 1}), Some("reason")),
        (json!({"reason": "r".repeat(501)}), Some("reason")),
        (json!({"why": "x"}), Some("why")),
    ] {
        let error = cancel(body).err();
        assert_eq!(
            error.map(|error| error.param),
            Some(param.map(str::to_owned))
        );
    }
}

proptest! {
    #[test]
    fn no_json_breaks_the_readers(body in any_json()) {
        for error in [CreateIntent::read(body.clone()).err(), cancel(body).err()].into_iter().flatten() {
            prop_assert_eq!(error.status, 400);
        }
    }

    #[test]
    fn no_value_in_any_place_breaks_the_reader(
        path in prop::sample::select(vec!["amount", "currency", "type", "settlementMethod",
            "deliveryPeriod", "autoRelease", "metadata", "metadata/releaseType",
            "metadata/timeLockUntil", "metadata/autoRelease"]),
        value in any_json(),
    ) {
        if let Err(error) = with(path, value) {
            prop_assert_eq!(error.status, 400);
            prop_assert!(error.param.is_some());
        }
    }

    #[test]
    fn an_amount_is_read_exactly(minor in 1..1_000_000_000_000_000_i64, decimals in 0..=6_u32) {
        let exact = Decimal::new(minor, decimals);
        let read = with("amount", json!(exact.to_string())).map(|read| read.money.amount());
        let is_too_large = exact >= Decimal::from(1_000_000_000);
        prop_assert_eq!(read.ok(), Some(exact).filter(|_| !is_too_large));
    }

    #[test]
    fn no_text_breaks_the_reader(
        name in prop::sample::select(vec!["amount", "currency", "type", "settlementMethod",
            "settlementDestination", "description", "expectedDeliveryHash", "deliveryOracle"]),
        text in "\\PC{0,40}",
    ) {
        if let Err(error) = with(name, json!(text)) {
            prop_assert_eq!((error.status, error.param.as_deref()), (400, Some(name)));
        }
    }

    #[test]
    fn nearly_amounts_are_read_or_refused(text in "-?[0-9]{0,20}[.,eE+ -]?[0-9]{0,20}") {
        if let Ok(read) = with("amount", json!(text)) {
            prop_assert_eq!(text.parse::<Decimal>().ok(), Some(read.money.amount()));
        }
    }
}
