//! Identifiers: internally a UUID, publicly a prefix and base62 digits. The UUID is of version 7, so
//! that indexes grow at one end. If the id alone is enough to read the object, all its bits are random
//! instead, so that it cannot be guessed.

use std::fmt;

use uuid::Uuid;

/// Enough base62 digits for any 128-bit number.
const DIGITS: usize = 22;

/// Writes `id` as `prefix_` followed by 22 base62 digits.
pub fn render(prefix: &str, id: Uuid) -> String {
    format!("{prefix}_{:0>DIGITS$}", base62::encode(id.as_u128()))
}

/// The inverse of [`render`]. Each number has exactly one spelling; anything else is `None`.
pub fn parse(prefix: &str, text: &str) -> Option<Uuid> {
    let digits = text.strip_prefix(prefix)?.strip_prefix('_')?;
    if digits.len() != DIGITS {
        return None;
    }
    base62::decode(digits).ok().map(Uuid::from_u128)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Parses the public form; `None` for anything else.
            pub fn parse(text: &str) -> Option<Self> {
                parse($prefix, text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&render($prefix, self.0))
            }
        }
    )*};
}

ids! {
    /// A merchant, `merchant_…`.
    MerchantId "merchant";
    /// An API key, `key_…`; not the key itself.
    KeyId "key";
    /// A payment, `pay_…`.
    PaymentId "pay";
    /// A merchant's customer, `cus_…`.
    CustomerId "cus";
    /// A refund, `ref_…`. The public form is also our reference at the acquirer.
    RefundId "ref";
    /// A payment intent, `intent_…`.
    IntentId "intent";
    /// A posting that changes a merchant's balance, `ledger_entry_…`.
    PostingId "ledger_entry";
    /// An event that webhooks deliver, `evt_…`.
    EventId "evt";
    /// A merchant's webhook endpoint, `whk_…`.
    EndpointId "whk";
    /// The delivery of one event to one endpoint, `dlv_…`.
    DeliveryId "dlv";
    /// One attempt of a delivery, `att_…`.
    AttemptId "att";
    /// One attempt to authorize a payment, `auth_…`. The public form is also our reference at the
    /// acquirer.
    AuthorizationId "auth";
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rendered_ids_parse_back(number in any::<u128>()) {
            let id = PaymentId(Uuid::from_u128(number));
            prop_assert_eq!(PaymentId::parse(&id.to_string()), Some(id));
        }

        #[test]
        fn each_id_has_one_spelling(text in "(pay_)?[0-9A-Za-z]{0,24}") {
            if let Some(id) = PaymentId::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn wrong_prefixes_and_numbers_beyond_128_bits_are_rejected() {
        assert_eq!(PaymentId::parse("pay_zzzzzzzzzzzzzzzzzzzzzz"), None);
        assert_eq!(PaymentId::parse("evt_0000000000000000000001"), None);
    }
}
