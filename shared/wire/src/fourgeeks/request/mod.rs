//! Requests.

mod customer;
mod lists;
mod payment;
mod refund;

pub use self::customer::CustomerBody;
pub use self::lists::{
    CustomerPages, CustomerPagesParameters, ListPayments, PaymentsParameters, ReadPayment,
    ReadPaymentParameters,
};
pub use self::payment::{CreatePayment, CreatePaymentBody, CreateSessionBody};
pub use self::refund::{
    CreateRefund, RefundBody, RefundOfChargeBody, RefundOfPaymentBody, RequestedAmount,
};

use rust_decimal::Decimal;

use crate::decimal::decimals;
use crate::fields::{FieldError, invalid};

/// Pattern of a decimal amount: no sign, exponent, spaces or leading zeros.
const DECIMAL: &str = r"^(0|[1-9][0-9]*)(\.[0-9]+)?$";

/// Parses an amount with at most `most` digits after the point.
fn decimal(param: &str, text: &str, most: u32) -> Result<Decimal, FieldError> {
    if decimals(text).is_none_or(|count| count > most) {
        let why = match most {
            0 => "must be a whole number in a string, such as \"99\"".to_owned(),
            _ => format!(
                "must be a decimal number in a string, such as \"99.99\", with at most {most} decimals"
            ),
        };
        return Err(invalid(param, why));
    }
    Decimal::from_str_exact(text).map_err(|_| invalid(param, TOO_LARGE))
}

/// The message for an amount that is too large.
const TOO_LARGE: &str = "must have at most 12 digits";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_plain_decimals() {
        let read = |text: &str, decimals| decimal("amount", text, decimals).ok();
        for (text, decimals) in [
            ("0", 2),
            ("99.99", 2),
            ("500.00", 2),
            ("0.5", 2),
            ("7", 0),
            ("1.234", 3),
        ] {
            assert_eq!(read(text, decimals), text.parse().ok(), "{text}");
        }
        for text in [
            "", ".", "1.", ".5", "-1", "+1", "1e3", "1,50", "1.2.3", " 1", "1 ", "01", "00",
            "1.005", "1_000", "０", "NaN", "0x1", "١",
        ] {
            assert_eq!(read(text, 2), None, "{text}");
        }
        assert_eq!(read("1.0", 0), None);
        assert_eq!(read(&"9".repeat(40), 2), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(cents in 0_i64..=99_999_999_999_999) {
            let amount = Decimal::new(cents, 2);
            prop_assert_eq!(decimal("amount", &amount.to_string(), 2), Ok(amount));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}|[0-9.]{0,40}", decimals in 0_u32..=4) {
            if let Ok(amount) = decimal("amount", &text, decimals) {
                prop_assert_eq!(amount.to_string(), text);
                prop_assert!(amount.scale() <= decimals);
            }
        }
    }
}
