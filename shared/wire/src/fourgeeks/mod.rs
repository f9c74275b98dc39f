//! fourgeeks, `/v1/payments/`: amounts as decimal strings, a hosted checkout page, and errors in
//! three formats.

pub mod checkout;
pub mod error;
pub mod number;
pub mod request;
pub mod response;

use domain::id::{CustomerId, PaymentId, parse, render};
use uuid::Uuid;

use crate::customer;

/// Prefix of session ids.
const SESSION: &str = "session";

/// The merchant as shown to payers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantProfile {
    /// The merchant's name.
    pub name: String,
    /// Contact address for payers; empty if the merchant has none.
    pub email: String,
}

/// Maximum length of a name that card networks print on a statement, in characters.
const STATEMENT_MAX: usize = 22;

impl MerchantProfile {
    /// The name as printed on card statements: upper-case letters, digits and spaces, at most 22
    /// characters.
    pub fn statement(&self) -> String {
        let is_printed = |c: &char| c.is_ascii_alphanumeric() || *c == ' ';
        let printed = self.name.chars().filter(is_printed).take(STATEMENT_MAX);
        let capitals: String = printed.map(|c| c.to_ascii_uppercase()).collect();
        capitals.trim().to_owned()
    }
}

/// Parses a payment's id in either format: `pay_…`, or the UUID that lists show.
pub fn payment_id(text: &str) -> Option<PaymentId> {
    PaymentId::parse(text).or_else(|| hyphenated(text).map(PaymentId))
}

/// Parses a customer's id in any format: `cus_…`, `cust_…`, or the UUID that lists show.
pub fn customer_id(text: &str) -> Option<CustomerId> {
    customer::id(text).or_else(|| hyphenated(text).map(CustomerId))
}

/// Parses a UUID of 36 characters. The other formats that `Uuid::try_parse` accepts are not part of
/// this API.
fn hyphenated(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

/// The id of a payment's checkout session, `session_…`. It encodes the payment's id, which cannot
/// be guessed.
pub fn session_id(payment: PaymentId) -> String {
    render(SESSION, payment.0)
}

/// Parses an id written by [`session_id`].
pub fn session(text: &str) -> Option<PaymentId> {
    parse(SESSION, text).map(PaymentId)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_spellings_name_one_payment(number in any::<u128>()) {
            let id = PaymentId(Uuid::from_u128(number));
            prop_assert_eq!(payment_id(&id.to_string()), Some(id));
            prop_assert_eq!(payment_id(&id.0.to_string()), Some(id));
            prop_assert_eq!(payment_id(&id.0.to_string().to_uppercase()), Some(id));
            prop_assert_eq!(payment_id(&id.0.simple().to_string()), None);
            prop_assert_eq!(payment_id(&id.0.urn().to_string()), None);
            let customer = CustomerId(id.0);
            prop_assert_eq!(customer_id(&customer.to_string()), Some(customer));
            prop_assert_eq!(customer_id(&id.0.to_string()), Some(customer));
            prop_assert_eq!(session(&session_id(id)), Some(id));
            prop_assert_eq!(session(&id.to_string()), None);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,50}") {
            let _ = (payment_id(&text), session(&text));
        }
    }

    #[test]
    fn statements_are_short_and_plain() {
        let named = |name: &str| {
            let (name, email) = (name.to_owned(), String::new());
            MerchantProfile { name, email }.statement()
        };
        assert_eq!(named("Juan Pesa"), "JUAN PESA");
        assert_eq!(named("Müller & Söhne"), "MLLER  SHNE");
        assert_eq!(
            named("The Company of the Long Name"),
            "THE COMPANY OF THE LON"
        );
        assert_eq!(named("東京"), "");
    }
}
