use super::*;
use crate::fields::invalid;
use crate::samples;

#[test]
fn errors_have_the_contracts_shape() -> Result<(), serde_json::Error> {
    let missing = Error::from(FieldError::new("amount", Why::Missing));
    let expected = r#"{"error":{"type":"ValidationError","code":"VAL001","message":"amount is required","details":{"param":"amount"},"param":"amount"}}"#;
    assert_eq!((missing.status, missing.body().as_str()), (400, expected));
    let internal =
        r#"{"error":{"type":"APIError","code":"API001","message":"Internal server error"}}"#;
    assert_eq!(Error::of(&INTERNAL).body(), internal);

    let mut payment = samples::payment("0")?;
    payment.failure = Some(Failure::InsufficientFunds);
    let failed = Error::payment_failed(&payment);
    let expected = r#"{"error":{"type":"PaymentError","code":"PAY001","message":"Payment failed","decline_code":"insufficient_funds","payment_id":"pay_02yQFA33G4VKAod8VHfhj7"}}"#;
    assert_eq!((failed.status, failed.body().as_str()), (402, expected));
    Ok(())
}

#[test]
fn where_the_wrong_thing_stands_is_in_the_code() {
    let wrong = || invalid("limit", "must be an integer");
    let (body, query) = (Error::from(wrong()), Error::parameter(wrong()));
    assert_eq!((body.code, query.code), ("VAL001", "VAL002"));
    assert_eq!((body.message, body.param), (query.message, query.param));
}
