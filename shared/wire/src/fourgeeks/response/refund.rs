//! Refund responses, in the formats of the two requests.

use domain::refund;
use schemars::JsonSchema;
use serde::Serialize;

use crate::iso8601::seconds;
use crate::status::Status;

/// A refund.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refund<'a> {
    /// Id of the refund, `ref_…`.
    id: String,
    /// Always `refund`.
    object: &'static str,
    /// Id of the refunded payment.
    payment_id: String,
    /// Amount in the currency's smallest unit.
    amount: i128,
    /// Status of the refund.
    status: Status,
    /// Three-letter ISO 4217 currency code, in upper case.
    currency: &'static str,
    /// Your reason for the refund.
    reason: Option<&'a str>,
    /// Creation time, in ISO 8601.
    created_at: String,
    /// Whether the object was created in test mode.
    test: bool,
}

impl<'a> Refund<'a> {
    /// Builds the response to creating a refund with `payment_id`, or to retrieving one.
    pub fn of(refund: &'a refund::Refund) -> Self {
        Self {
            id: refund.id.to_string(),
            object: "refund",
            payment_id: refund.payment_id.to_string(),
            amount: refund.money.minor(),
            status: Status::of_refund(refund.state),
            currency: refund.money.currency().code(),
            reason: refund.reason.as_deref(),
            created_at: seconds(refund.created_at),
            test: !refund.mode.is_live(),
        }
    }
}

/// A refund in the response to a request with `charge_id`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChargeRefund<'a> {
    /// Id of the refund, `ref_…`.
    refund_id: String,
    /// Id of the payment, as sent in the request.
    charge_id: &'a str,
    /// Amount in major units.
    amount: String,
    /// Three-letter ISO 4217 currency code, in lower case.
    currency: String,
    /// Your reason for the refund.
    reason: Option<&'a str>,
    /// Status of the refund.
    status: Status,
    /// Whether the object was created in test mode.
    test: bool,
}

impl<'a> ChargeRefund<'a> {
    /// Builds the response to creating a refund with this `charge_id`.
    pub fn of(refund: &'a refund::Refund, charge_id: &'a str) -> Self {
        Self {
            refund_id: refund.id.to_string(),
            charge_id,
            amount: refund.money.amount().to_string(),
            currency: refund.money.currency().code().to_ascii_lowercase(),
            reason: refund.reason.as_deref(),
            status: Status::of_refund(refund.state),
            test: !refund.mode.is_live(),
        }
    }
}

/// A page of refunds, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refunds<'a> {
    /// Refunds of the page.
    pub items: Vec<Refund<'a>>,
    /// Number of refunds, counted up to 10,100: as far as a page can reach.
    pub total_items: u64,
    /// Maximum number of objects on the page.
    pub limit: u32,
    /// Number of objects skipped.
    pub offset: u32,
}

#[cfg(test)]
mod tests {
    use domain::id::{PaymentId, RefundId};
    use serde_json::Error;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::Body;
    use crate::samples::{self, money};

    fn refund(state: &str) -> Result<refund::Refund, Error> {
        Ok(refund::Refund {
            id: RefundId(Uuid::from_u128(1)),
            payment_id: PaymentId(Uuid::from_u128(2)),
            money: money(1_099, "USD")?,
            reason: Some("requested_by_customer".to_owned()),
            created_at: datetime!(2025-12-04 10:30:00 UTC),
            ..samples::refund(state)?
        })
    }

    #[test]
    fn both_shapes_are_written_as_found() -> Result<(), Error> {
        assert_eq!(
            Refund::of(&refund("refunding")?).body(),
            r#"{"id":"ref_0000000000000000000001","object":"refund","payment_id":"pay_0000000000000000000002","amount":1099,"status":"pending","currency":"USD","reason":"requested_by_customer","created_at":"2025-12-04T10:30:00Z","test":true}"#
        );
        let charge = "00000000-0000-0000-0000-000000000002";
        assert_eq!(
            ChargeRefund::of(&refund("refunded")?, charge).body(),
            r#"{"refund_id":"ref_0000000000000000000001","charge_id":"00000000-0000-0000-0000-000000000002","amount":"10.99","currency":"usd","reason":"requested_by_customer","status":"succeeded","test":true}"#
        );
        Ok(())
    }

    #[test]
    fn a_list_says_how_much_there_is() -> Result<(), Error> {
        let failed = refund("failed")?;
        let refunds = Refunds {
            items: vec![Refund::of(&failed)],
            total_items: 12,
            limit: 1,
            offset: 3,
        };
        let body = refunds.body();
        assert!(
            body.starts_with(r#"{"items":[{"id":"ref_"#) && body.contains(r#""status":"failed""#)
        );
        assert!(body.ends_with(r#"}],"total_items":12,"limit":1,"offset":3}"#));
        Ok(())
    }
}
