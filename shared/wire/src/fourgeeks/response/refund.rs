//! A refund, in the two shapes in which it may be asked for.

use domain::refund;
use schemars::JsonSchema;
use serde::Serialize;

use super::seconds;
use crate::status::Status;

/// A refund.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refund<'a> {
    /// The refund's id.
    id: String,
    /// Always `refund`.
    object: &'static str,
    /// Of which payment.
    payment_id: String,
    /// How much, in the currency's smallest unit.
    amount: i128,
    /// How far it has come.
    status: Status,
    /// ISO 4217.
    currency: &'static str,
    /// The merchant's reason.
    reason: Option<&'a str>,
    /// When it was asked for.
    created_at: String,
    /// Whether it was made with a test key.
    test: bool,
}

impl<'a> Refund<'a> {
    /// The refund as asked for with `payment_id`, and as it is read.
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

    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

/// A refund as it is answered to a request with `charge_id`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChargeRefund<'a> {
    /// The refund's id.
    refund_id: String,
    /// The payment, as the request named it.
    charge_id: &'a str,
    /// How much, in major units.
    amount: String,
    /// ISO 4217, in lower case.
    currency: String,
    /// The merchant's reason.
    reason: Option<&'a str>,
    /// How far it has come.
    status: Status,
    /// Whether it was made with a test key.
    test: bool,
}

impl<'a> ChargeRefund<'a> {
    /// The refund as asked for with this `charge_id`.
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

    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

/// A part of the refunds, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refunds<'a> {
    /// The refunds.
    pub items: Vec<Refund<'a>>,
    /// How many there are altogether.
    pub total_items: u64,
    /// How many were asked for at most.
    pub limit: u32,
    /// How many were skipped.
    pub offset: u32,
}

impl Refunds<'_> {
    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{MerchantId, PaymentId, RefundId};
    use domain::merchant::Mode;
    use domain::refund::State;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::fourgeeks::error::Error;
    use crate::fourgeeks::response::examples::money;

    fn refund(state: State) -> Result<refund::Refund, Error> {
        Ok(refund::Refund {
            id: RefundId(Uuid::from_u128(1)),
            payment_id: PaymentId(Uuid::from_u128(2)),
            merchant_id: MerchantId(Uuid::from_u128(3)),
            mode: Mode::Test,
            state,
            money: money(1_099, "USD")?,
            reason: Some("requested_by_customer".to_owned()),
            created_at: datetime!(2025-12-04 10:30:00 UTC),
        })
    }

    #[test]
    fn both_shapes_are_written_as_found() -> Result<(), Error> {
        assert_eq!(
            Refund::of(&refund(State::Refunding)?).body(),
            r#"{"id":"ref_0000000000000000000001","object":"refund","payment_id":"pay_0000000000000000000002","amount":1099,"status":"pending","currency":"USD","reason":"requested_by_customer","created_at":"2025-12-04T10:30:00Z","test":true}"#
        );
        let charge = "00000000-0000-0000-0000-000000000002";
        assert_eq!(
            ChargeRefund::of(&refund(State::Refunded)?, charge).body(),
            r#"{"refund_id":"ref_0000000000000000000001","charge_id":"00000000-0000-0000-0000-000000000002","amount":"10.99","currency":"usd","reason":"requested_by_customer","status":"succeeded","test":true}"#
        );
        Ok(())
    }

    #[test]
    fn a_list_says_how_much_there_is() -> Result<(), Error> {
        let failed = refund(State::Failed)?;
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
