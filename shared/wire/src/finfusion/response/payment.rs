//! A payment.

use domain::card::MaskedCard;
use domain::id::render;
use domain::money::Money;
use domain::payment::{self, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Amount, at};
use crate::status::Status;

/// A payment.
// In the order of the contract's example.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Payment<'a> {
    /// The payment's id, `pay_…`.
    id: String,
    /// How far it has come. `succeeded` and `failed` are final.
    status: Status,
    /// How much.
    amount: Amount,
    /// How the payer pays.
    #[serde(rename = "payment_method")]
    method: Method<'a>,
    /// When it was created.
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    /// Your own keys and values.
    metadata: &'a Map<String, Value>,
    /// How much was given back or is on its way back. Not there while it is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_refunded: Option<Amount>,
    /// Why it failed: `card_declined`, `insufficient_funds`, `expired_card`, `processing_error` or
    /// `payment_expired`.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<&'static str>,
}

/// How the payer pays.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PaymentMethod")]
struct Method<'a> {
    /// The method's id, `pm_…`.
    id: String,
    /// Always `card`.
    #[serde(rename = "type")]
    #[schemars(extend("const" = "card"))]
    kind: &'static str,
    /// What may be shown of the card, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<Card<'a>>,
}

/// What may be shown of a card.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MaskedCard")]
struct Card<'a> {
    /// The brand in lower case.
    brand: &'static str,
    /// The number's last four digits.
    last4: &'a str,
    /// The month it expires.
    exp_month: u8,
    /// The year it expires, four digits.
    exp_year: u16,
}

impl<'a> Payment<'a> {
    /// The payment as this contract writes it.
    pub fn of(payment: &'a payment::Payment) -> Self {
        // Nothing is no money.
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
            created_at: at(payment.created_at),
            metadata: &payment.metadata,
            amount_refunded: refunded.ok().map(Amount::of),
            decline_code: payment.failure.map(Failure::name),
        }
    }

    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
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
