//! Identifiers: a UUID (version 7, so that indexes grow at one end) inside, a prefix and base62
//! outside.

use std::fmt;

use uuid::Uuid;

/// Base62 digits that hold any 128-bit number.
const DIGITS: usize = 22;

/// Writes `id` as `prefix_` and 22 base62 digits.
#[must_use]
pub fn render(prefix: &str, id: Uuid) -> String {
    format!("{prefix}_{:0>DIGITS$}", base62::encode(id.as_u128()))
}

/// Reads what [`render`] wrote. Anything else, another spelling of the same number too, is `None`.
#[must_use]
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
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Reads the public form; `None` for anything else.
            #[must_use]
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
    /// A payment, `pay_…`.
    PaymentId "pay";
    /// A merchant's customer, `cus_…`.
    CustomerId "cus";
    /// Money on its way back to a payer, `ref_…`; with its prefix our reference at the acquirer.
    RefundId "ref";
    /// What a merchant wants to be paid under conditions, `intent_…`.
    IntentId "intent";
    /// Something that happened and is told by webhook, `evt_…`.
    EventId "evt";
    /// A merchant's webhook endpoint, `whk_…`.
    EndpointId "whk";
    /// One event on its way to one endpoint, `dlv_…`.
    DeliveryId "dlv";
    /// One attempt to authorize a payment; with its prefix it is our reference at the acquirer, `auth_…`.
    AuthorizationId "auth";
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_rendered_is_read_back(number in any::<u128>()) {
            let id = PaymentId(Uuid::from_u128(number));
            prop_assert_eq!(PaymentId::parse(&id.to_string()), Some(id));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(pay_)?[0-9A-Za-z]{0,24}") {
            if let Some(id) = PaymentId::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn a_number_beyond_128_bits_is_refused() {
        assert_eq!(PaymentId::parse("pay_zzzzzzzzzzzzzzzzzzzzzz"), None);
        assert_eq!(PaymentId::parse("evt_0000000000000000000001"), None);
    }
}
