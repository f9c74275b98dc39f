//! Responses.

mod account;
mod attempt;
mod endpoint;
mod intent;
mod refund;

pub use account::{Balance, LedgerEntries, Movement};
pub use attempt::{WebhookAttempt, WebhookDelivery};
pub use endpoint::WebhookEndpoint;
pub use intent::PaymentIntent;
pub use refund::Refund;

pub use crate::subscription::DeletedEndpoint;

use domain::intent::Intent;
use domain::merchant::PublicIntents;
use domain::money::Currency;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use super::{refund_status, status};
use crate::attempt::{Named, OBJECT as ATTEMPT};
use crate::subscription::{self, Endpoint};

/// Minimum number of decimals of an amount of a stablecoin.
const TOKEN_DECIMALS_MIN: u32 = 2;

/// Envelope of every object of this API.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Envelope")]
pub struct Envelope<T> {
    /// Id of the object.
    id: String,
    /// Type of the object.
    object: &'static str,
    /// Status of the object.
    status: &'static str,
    /// The object.
    data: T,
    /// Creation time, in Unix seconds.
    created: i64,
    /// Time of the last change, in Unix seconds.
    updated: i64,
}

impl<'a> Envelope<PaymentIntent<'a>> {
    /// Builds the response object from an intent.
    pub fn of(intent: &'a Intent) -> Self {
        Self::around(PaymentIntent::of(intent), intent)
    }

    /// Builds the response object for an anonymous client that knows the intent's id.
    pub fn public(intent: &'a Intent, choice: PublicIntents) -> Self {
        Self::around(PaymentIntent::public(intent, choice), intent)
    }

    fn around(data: PaymentIntent<'a>, intent: &Intent) -> Self {
        Self {
            id: intent.id.to_string(),
            object: PaymentIntent::OBJECT,
            status: status(intent.state()),
            data,
            created: intent.created_at.unix_timestamp(),
            updated: intent.updated_at().unix_timestamp(),
        }
    }
}

impl<'a> Envelope<WebhookEndpoint<'a>> {
    /// Builds the response object from an endpoint, with the secret if it is new.
    pub fn endpoint(endpoint: &'a Endpoint, secret: Option<&'a str>) -> Self {
        let stored = &endpoint.stored;
        Self {
            id: stored.id.to_string(),
            object: subscription::OBJECT,
            status: subscription::status(stored.is_active),
            data: WebhookEndpoint::of(endpoint, secret),
            created: stored.created_at.unix_timestamp(),
            updated: stored.updated_at.unix_timestamp(),
        }
    }
}

impl<'a> Envelope<WebhookAttempt<'a>> {
    /// Builds the response object from an attempt.
    pub fn attempt(named: &'a Named) -> Self {
        let at = named.attempt.at.unix_timestamp();
        Self {
            id: named.attempt.id.to_string(),
            object: ATTEMPT,
            status: named.status(),
            data: WebhookAttempt::of(named),
            created: at,
            updated: at,
        }
    }
}

impl<'a> Envelope<Refund<'a>> {
    /// Builds the response object from a refund of this intent's payment.
    pub fn refund(refund: &'a domain::refund::Refund, intent: &Intent) -> Self {
        Self {
            id: refund.id.to_string(),
            object: Refund::OBJECT,
            status: refund_status(refund.state),
            data: Refund::of(refund, intent.id),
            created: refund.created_at.unix_timestamp(),
            updated: refund.updated_at.unix_timestamp(),
        }
    }
}

/// A page of a list, newest first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct List<T> {
    /// Always `list`.
    #[schemars(extend("const" = "list"))]
    object: &'static str,
    /// Objects of the page.
    data: Vec<Envelope<T>>,
    /// Whether older objects follow. To retrieve them, send the last id as `starting_after`. A page
    /// ends before `limit` if its objects have more than 1 MiB of metadata.
    has_more: bool,
}

impl<'a> List<PaymentIntent<'a>> {
    /// Creates a page of intents.
    pub fn of(intents: &'a [Intent], has_more: bool) -> Self {
        Self {
            object: "list",
            data: intents.iter().map(Envelope::of).collect(),
            has_more,
        }
    }
}

impl<'a> List<Refund<'a>> {
    /// Creates a page of refunds of this intent's payment.
    pub fn refunds(refunds: &'a [domain::refund::Refund], intent: &Intent, has_more: bool) -> Self {
        let data = refunds.iter();
        Self {
            object: "list",
            data: data.map(|one| Envelope::refund(one, intent)).collect(),
            has_more,
        }
    }
}

impl<'a> List<WebhookAttempt<'a>> {
    /// Creates a page of attempts.
    pub fn attempts(attempts: &'a [Named], has_more: bool) -> Self {
        Self {
            object: "list",
            data: attempts.iter().map(Envelope::attempt).collect(),
            has_more,
        }
    }
}

impl<'a> List<WebhookEndpoint<'a>> {
    /// Creates a list of all endpoints of a merchant. It has one page, because there are never
    /// many.
    pub fn whole(endpoints: &'a [Endpoint]) -> Self {
        let data = endpoints.iter();
        Self {
            object: "list",
            data: data.map(|one| Envelope::endpoint(one, None)).collect(),
            has_more: false,
        }
    }
}

/// Formats an amount with the currency's decimals: `100.00` USD, `100` JPY. A stablecoin's has no
/// trailing zeros, but at least two decimals: `100.00`, `0.123456`.
fn amount(exact: Decimal, currency: Currency) -> String {
    let least = if currency.is_token() {
        TOKEN_DECIMALS_MIN
    } else {
        currency.exponent()
    };
    let mut shown = exact.normalize();
    if shown.scale() < least {
        shown.rescale(least);
    }
    shown.to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Option<Currency> {
        Currency::parse(code).or_else(|| Currency::parse_token(code))
    }

    proptest! {
        #[test]
        fn a_printed_amount_is_exact_and_has_decimals(
            minor in any::<i64>(),
            currency in prop::sample::select(vec!["USDC", "DAI", "USD", "JPY", "KWD", "CLF"])
                .prop_filter_map("a currency", currency),
        ) {
            let exact = Decimal::new(minor, currency.exponent());
            let shown = amount(exact, currency);
            prop_assert_eq!(shown.parse::<Decimal>().ok(), Some(exact));
            let decimals = shown.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            if currency.is_token() {
                prop_assert!(decimals >= 2 && (decimals == 2 || !shown.ends_with('0')));
            } else {
                prop_assert_eq!(u32::try_from(decimals), Ok(currency.exponent()));
            }
        }
    }

    #[test]
    fn amounts_read_as_the_documents_print_them() {
        for (exact, code, shown) in [
            (Decimal::new(1_000_000_000, 6), "USDC", "1000.00"),
            (Decimal::new(123_456, 6), "USDC", "0.123456"),
            (Decimal::new(0, 18), "DAI", "0.00"),
            (Decimal::new(5, 1), "USD", "0.50"),
            (Decimal::new(5_000, 0), "JPY", "5000"),
            (Decimal::new(-97, 1), "KWD", "-9.700"),
            (Decimal::ZERO, "JPY", "0"),
        ] {
            let found = currency(code).map(|currency| amount(exact, currency));
            assert_eq!(found.as_deref(), Some(shown));
        }
    }
}
