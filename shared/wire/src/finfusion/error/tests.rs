use serde_json::json;

use super::*;
use crate::samples;

#[test]
fn errors_have_the_contracts_shape() -> Result<(), serde_json::Error> {
    let param = "amount".to_owned();
    let missing = Error::from(FieldError::Missing { param });
    let expected = r#"{"error":{"type":"ValidationError","code":"VAL001","message":"amount is required","details":{"param":"amount"},"param":"amount"}}"#;
    assert_eq!((missing.status, missing.body().as_str()), (400, expected));
    let internal =
        r#"{"error":{"type":"APIError","code":"API001","message":"Internal server error"}}"#;
    assert_eq!(Error::internal().body(), internal);

    let mut payment = samples::payment("0")?;
    payment.failure = Some(Failure::InsufficientFunds);
    let failed = Error::payment_failed(&payment);
    let expected = r#"{"error":{"type":"PaymentError","code":"PAY001","message":"Payment failed","decline_code":"insufficient_funds","payment_id":"pay_02yQFA33G4VKAod8VHfhj7"}}"#;
    assert_eq!((failed.status, failed.body().as_str()), (402, expected));
    Ok(())
}

#[test]
fn each_status_has_its_kind() {
    for (error, status, kind, code) in [
        (Error::key_invalid(), 401, "AuthenticationError", "AUTH001"),
        (
            Error::client_invalid(),
            401,
            "AuthenticationError",
            "AUTH001",
        ),
        (
            Error::token_expired(),
            401,
            "AuthenticationError",
            "AUTH002",
        ),
        (
            Error::scope_invalid(),
            401,
            "AuthenticationError",
            "AUTH003",
        ),
        (
            Error::live_unavailable(),
            403,
            "AuthenticationError",
            "AUTH003",
        ),
        (Error::body_unreadable(""), 400, "ValidationError", "VAL001"),
        (Error::not_refundable(), 400, "ValidationError", "VAL002"),
        (Error::nothing_left(), 400, "ValidationError", "VAL002"),
        (Error::refund_too_large(), 400, "ValidationError", "VAL001"),
        (Error::currency_differs(), 400, "ValidationError", "VAL001"),
        (Error::key_malformed(), 400, "ValidationError", "VAL002"),
        (Error::key_reused(), 409, "ValidationError", "VAL002"),
        (Error::missing("payment"), 404, "ValidationError", "VAL003"),
        (Error::rate_limited(1), 429, "RateLimitError", "RATE001"),
        (Error::internal(), 500, "APIError", "API001"),
        (Error::unavailable(), 503, "APIError", "API002"),
    ] {
        let written = json!(error.kind);
        let found = (error.status, written.as_str(), error.code);
        assert_eq!(found, (status, Some(kind), code));
    }
}

#[test]
fn where_the_wrong_thing_stands_is_in_the_code() {
    let wrong = || FieldError::Invalid {
        param: "limit".to_owned(),
        why: "must be an integer".to_owned(),
    };
    let (body, query) = (Error::from(wrong()), Error::parameter(wrong()));
    assert_eq!((body.code, query.code), ("VAL001", "VAL002"));
    assert_eq!((body.message, body.param), (query.message, query.param));
}
