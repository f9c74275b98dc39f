//! Refund responses.

use domain::id::IntentId;
use domain::refund::{self, State};
use schemars::JsonSchema;
use serde::Serialize;

use super::amount;
use crate::finternet::refund_status;

/// A refund of a payment intent.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Refund")]
pub struct Refund<'a> {
    /// Id of the refund, `ref_…`.
    id: String,
    /// Always `refund`.
    #[schemars(extend("const" = Refund::OBJECT))]
    object: &'static str,
    /// Id of the refunded payment intent.
    payment_intent_id: String,
    /// Status of the refund. If it is `FAILED`, the payer received nothing and the amount can be
    /// refunded again.
    #[schemars(extend("enum" = State::ALL.map(refund_status)))]
    status: &'static str,
    /// Amount as a decimal string.
    amount: String,
    /// Currency of the amount: the one that the card was charged in.
    currency: &'static str,
    /// Your reason for the refund.
    reason: Option<&'a str>,
    /// Creation time, in Unix seconds.
    created: i64,
    /// Time of the last change, in Unix seconds.
    updated: i64,
}

impl<'a> Refund<'a> {
    pub(super) const OBJECT: &'static str = "refund";

    pub(super) fn of(refund: &'a refund::Refund, intent: IntentId) -> Self {
        Self {
            id: refund.id.to_string(),
            object: Self::OBJECT,
            payment_intent_id: intent.to_string(),
            status: refund_status(refund.state),
            amount: amount(refund.money.amount(), refund.money.currency()),
            currency: refund.money.currency().code(),
            reason: refund.reason.as_deref(),
            created: refund.created_at.unix_timestamp(),
            updated: refund.updated_at.unix_timestamp(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Body;
    use crate::finternet::response::Envelope;
    use crate::samples::{intent, refund};

    #[test]
    fn a_refund_is_in_the_envelope_of_every_object() -> Result<(), serde_json::Error> {
        let intent = intent(Some("captured"))?;
        for (state, status) in [
            ("refunding", "PROCESSING"),
            ("refunded", "SUCCEEDED"),
            ("failed", "FAILED"),
        ] {
            let refund = refund(state)?;
            let (id, of) = (refund.id, intent.id);
            let expected = format!(
                r#"{{"id":"{id}","object":"refund","status":"{status}","data":{{"id":"{id}","object":"refund","paymentIntentId":"{of}","status":"{status}","amount":"25.00","currency":"USD","reason":"customer_request","created":1699564900,"updated":1699564901}},"created":1699564900,"updated":1699564901}}"#
            );
            assert_eq!(Envelope::refund(&refund, &intent).body(), expected);
        }
        Ok(())
    }
}
