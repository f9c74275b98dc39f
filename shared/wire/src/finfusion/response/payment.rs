//! Payment responses.

use domain::card::MaskedCard;
use domain::id::render;
use domain::money::Money;
use domain::payment::{self, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Amount;
use crate::iso8601::seconds;
use crate::status::Status;

/// A payment.
// Fields are in the order of the contract's example.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Payment<'a> {
    /// Id of the payment, `pay_…`.
    id: String,
    /// Status of the payment. `succeeded` and `failed` are final.
    status: Status,
    /// Amount of the payment.
    amount: Amount,
    /// Payment method of the payment.
    #[serde(rename = "payment_method")]
    method: Method<'a>,
    /// Creation time, in ISO 8601.
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    /// Key-value pairs that you attached to the object.
    metadata: &'a Map<String, Value>,
    /// Amount refunded, including pending refunds. Absent if nothing was refunded.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_refunded: Option<Amount>,
    /// Reason for the failure: `card_declined`, `insufficient_funds`, `expired_card`,
    /// `processing_error` or `payment_expired`.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<&'static str>,
}

/// A payment method.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PaymentMethod")]
struct Method<'a> {
    /// Id of the payment method, `pm_…`.
    id: String,
    /// Always `card`.
    #[serde(rename = "type")]
    #[schemars(extend("const" = "card"))]
    kind: &'static str,
    /// The masked card. Absent if the payment has no card.
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<Card<'a>>,
}

/// A masked card.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MaskedCard")]
struct Card<'a> {
    /// Card brand, in lower case.
    brand: &'static str,
    /// Last four digits of the card number.
    last4: &'a str,
    /// Expiration month, 1 to 12.
    exp_month: u8,
    /// Four-digit expiration year.
    exp_year: u16,
}

impl<'a> Payment<'a> {
    /// Builds the response object from a payment.
    pub fn of(payment: &'a payment::Payment) -> Self {
        // `Money` is never zero, so this is an error if nothing was refunded.
        let refunded = Money::from_major(payment.refunded, payment.money.currency());
        Self {
            id: payment.id.to_string(),
            status: Status::of_payment(payment.state),
            amount: Amount::of(payment.money),
            method: Method {
                id: render("pm", payment.id.0),
                kind: "card",
                card: payment.card.as_ref().map(card),
            },
            created_at: seconds(payment.created_at),
            metadata: &payment.metadata,
            amount_refunded: refunded.ok().map(Amount::of),
            decline_code: payment.failure.map(Failure::name),
        }
    }
}

fn card(card: &MaskedCard) -> Card<'_> {
    Card {
        brand: card.brand.name(),
        last4: &card.last4,
        exp_month: card.exp_month,
        exp_year: card.exp_year,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Error;

    use super::*;
    use crate::Body;
    use crate::samples;

    #[test]
    fn a_payment_is_written_in_the_order_of_the_contract() -> Result<(), Error> {
        let plain = r#"{"id":"pay_02yQFA33G4VKAod8VHfhj7","status":"succeeded","amount":{"value":5000,"currency":"USD"},"payment_method":{"id":"pm_02yQFA33G4VKAod8VHfhj7","type":"card","card":{"brand":"visa","last4":"4242","exp_month":12,"exp_year":2025}},"created_at":"2023-11-09T21:20:00Z","metadata":{}}"#;
        assert_eq!(Payment::of(&samples::payment("0")?).body(), plain);
        let refunded = plain.replace(
            r#""metadata":{}"#,
            r#""metadata":{},"amount_refunded":{"value":2500,"currency":"USD"}"#,
        );
        assert_eq!(Payment::of(&samples::payment("25.00")?).body(), refunded);
        Ok(())
    }
}
