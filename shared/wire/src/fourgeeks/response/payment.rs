//! Payment responses.

use domain::payment::{self, Failure, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fourgeeks::{MerchantProfile, checkout, session};
use crate::iso8601::seconds;

/// Status of a payment. All but `pending` are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not paid yet, or the outcome is not known yet.
    Pending,
    /// Paid.
    Completed,
    /// The card was declined or could not be charged.
    Failed,
    /// Expired before it was paid.
    Canceled,
}

impl Status {
    /// The status of a payment in this state.
    pub const fn of(state: State) -> Self {
        match state {
            State::Created | State::Authorizing | State::Capturing => Status::Pending,
            State::Captured => Status::Completed,
            State::Failed => Status::Failed,
            State::Expired => Status::Canceled,
        }
    }
}

/// A created payment. Send the payer to its checkout page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Created {
    /// Always 202.
    code: u16,
    /// Short description of the next step.
    title: &'static str,
    /// Description of the next step.
    content: &'static str,
    /// The payment and its checkout page.
    data: Started,
}

/// The payment and its checkout page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Started {
    /// Id of the payment, `pay_…`.
    pub id_payment: String,
    /// URL of the checkout page to send the payer to, which shows the payment.
    pub redirect: String,
}

impl Started {
    /// Returns `None` if the payment has no checkout page. `base` is the gateway's public URL,
    /// without a trailing slash.
    pub fn of(base: &str, payment: &payment::Payment, shop: &MerchantProfile) -> Option<Self> {
        Some(Self {
            id_payment: payment.id.to_string(),
            redirect: checkout::address(base, payment, shop)?,
        })
    }

    /// Reads the payment from the body of an earlier response: a [`Created`], or a
    /// [`SessionCreated`](super::SessionCreated).
    pub fn answered(body: &str) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Before {
            Payment {
                data: Started,
            },
            Session {
                session_id: String,
                checkout_url: String,
            },
        }
        match serde_json::from_str(body).ok()? {
            Before::Payment { data } => Some(data),
            Before::Session {
                session_id,
                checkout_url,
            } => Some(Self {
                id_payment: session(&session_id)?.to_string(),
                redirect: checkout_url,
            }),
        }
    }
}

impl Created {
    /// Builds the response to creating a payment.
    pub const fn of(data: Started) -> Self {
        Self {
            code: 202,
            title: "Action required",
            content: "Show the checkout page to complete payment.",
            data,
        }
    }
}

/// A payment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Payment<'a> {
    /// Id of the payment, `pay_…`.
    id: String,
    /// Amount in major units, with all of the currency's decimals.
    amount: String,
    /// Three-letter ISO 4217 currency code, in upper case.
    currency: &'static str,
    /// Description of the purchase.
    description: Option<&'a str>,
    /// Status of the payment.
    status: Status,
    /// Names of the items.
    items: &'a [String],
    /// E-mail address of the payer, if known.
    customer_email: Option<&'a str>,
    /// URL that the payer returns to from the checkout page; `null` if the payment has no page.
    return_url: Option<&'a str>,
    /// Payment method. Always `card`.
    #[serde(rename = "payment_method")]
    method: &'static str,
    /// Last four digits of the card number; empty if there is no card yet.
    card_last4: &'a str,
    /// Card brand, in lower case; empty if there is no card yet.
    card_brand: &'static str,
    /// Creation time, in ISO 8601.
    created_at: String,
    /// Time of the last change, in ISO 8601.
    updated_at: String,
    /// Whether the object was created in test mode.
    test: bool,
    /// Reason for the failure: `card_declined`, `insufficient_funds`, `expired_card` or
    /// `processing_error`. Present only if the status is `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_reason: Option<&'static str>,
}

impl<'a> Payment<'a> {
    /// Builds the merchant's view of a payment.
    pub fn of(payment: &'a payment::Payment) -> Self {
        let checkout = payment.checkout.as_ref();
        let customer = payment.customer.as_ref();
        let card = payment.card.as_ref();
        let status = Status::of(payment.state);
        let failure = payment.failure.filter(|_| status == Status::Failed);
        Self {
            id: payment.id.to_string(),
            amount: payment.money.amount().to_string(),
            currency: payment.money.currency().code(),
            description: payment.description.as_deref(),
            status,
            items: checkout.map_or(&[], |checkout| &checkout.items),
            customer_email: customer.and_then(|customer| customer.email.as_deref()),
            return_url: checkout.map(|checkout| checkout.return_url.as_str()),
            method: match payment.method {
                payment::Method::Card => "card",
            },
            card_last4: card.map_or("", |card| &card.last4),
            card_brand: card.map_or("", |card| card.brand.name()),
            created_at: seconds(payment.created_at),
            updated_at: seconds(payment.updated_at),
            test: !payment.mode.is_live(),
            decline_reason: failure.map(Failure::name),
        }
    }
}

/// Public view of a payment, for anyone who has the link to its checkout page.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PublicPayment<'a> {
    /// Id of the payment, `pay_…`.
    id: String,
    /// Amount in major units, with all of the currency's decimals.
    amount: String,
    /// Three-letter ISO 4217 currency code, in upper case.
    currency: &'static str,
    /// Description of the purchase.
    description: Option<&'a str>,
    /// Status of the payment.
    status: Status,
    /// Names of the items.
    items: &'a [String],
    /// URL that the payer returns to from the checkout page.
    return_url: &'a str,
    /// Whether the object was created in test mode.
    test: bool,
}

impl<'a> PublicPayment<'a> {
    /// Builds the public view of a payment. Returns `None` if it has no checkout page: no payer has
    /// a link to it.
    pub fn of(payment: &'a payment::Payment) -> Option<Self> {
        let checkout = payment.checkout.as_ref()?;
        Some(Self {
            id: payment.id.to_string(),
            amount: payment.money.amount().to_string(),
            currency: payment.money.currency().code(),
            description: payment.description.as_deref(),
            status: Status::of(payment.state),
            items: &checkout.items,
            return_url: &checkout.return_url,
            test: !payment.mode.is_live(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Error;

    use super::*;
    use crate::Body;
    use crate::fourgeeks::response::examples::{merchant_profile, payment};
    use crate::samples::{money, sample};

    #[test]
    fn the_documents_payment_is_written_as_printed() -> Result<(), Error> {
        assert_eq!(
            Payment::of(&payment()?).body(),
            r#"{"id":"pay_0000000000000000000001","amount":"500.00","currency":"USD","description":"Premium subscription payment","status":"completed","items":["Premium Plan - Monthly"],"customer_email":"customer@example.com","return_url":"https://example.com/payment-result","payment_method":"card","card_last4":"4242","card_brand":"visa","created_at":"2025-12-04T10:30:00Z","updated_at":"2025-12-04T10:35:00Z","test":true}"#
        );
        Ok(())
    }

    #[test]
    fn before_it_is_paid_nothing_is_known_of_payer_and_card() -> Result<(), Error> {
        let mut payment = payment()?;
        (payment.state, payment.customer, payment.card) = (State::Created, None, None);
        payment.money = money(500, "JPY")?;
        assert_eq!(
            Payment::of(&payment).body(),
            r#"{"id":"pay_0000000000000000000001","amount":"500","currency":"JPY","description":"Premium subscription payment","status":"pending","items":["Premium Plan - Monthly"],"customer_email":null,"return_url":"https://example.com/payment-result","payment_method":"card","card_last4":"","card_brand":"","created_at":"2025-12-04T10:30:00Z","updated_at":"2025-12-04T10:35:00Z","test":true}"#
        );
        Ok(())
    }

    #[test]
    fn only_a_failed_payment_says_why() -> Result<(), Error> {
        let mut payment = payment()?;
        for (state, failure, end) in [
            (
                State::Failed,
                Failure::InsufficientFunds,
                r#","test":true,"decline_reason":"insufficient_funds"}"#,
            ),
            (State::Expired, Failure::PaymentExpired, r#","test":true}"#),
        ] {
            (payment.state, payment.failure) = (state, Some(failure));
            assert!(Payment::of(&payment).body().ends_with(end));
        }
        Ok(())
    }

    #[test]
    fn a_created_payment_is_answered_as_printed() -> Result<(), Error> {
        let payment = payment()?;
        let started = Started::of("https://pay.example.com", &payment, &merchant_profile());
        let started = sample(started)?;
        let start = r#"{"code":202,"title":"Action required","content":"Show the checkout page to complete payment.","data":{"id_payment":"pay_0000000000000000000001","redirect":"https://pay.example.com/checkout/?data=ey"#;
        let end = format!("{}\"}}}}", started.redirect);
        let body = Created::of(started.clone()).body();
        assert!(body.starts_with(start) && body.ends_with(&end), "{body}");
        assert_eq!(Started::answered(&body), Some(started));
        assert_eq!(Started::answered(r#"{"id":"ref_1"}"#), None);
        Ok(())
    }

    #[test]
    fn payers_see_neither_payer_nor_card() -> Result<(), Error> {
        let mut payment = payment()?;
        assert_eq!(
            PublicPayment::of(&payment)
                .map(|payment| payment.body())
                .as_deref(),
            Some(
                r#"{"id":"pay_0000000000000000000001","amount":"500.00","currency":"USD","description":"Premium subscription payment","status":"completed","items":["Premium Plan - Monthly"],"return_url":"https://example.com/payment-result","test":true}"#
            )
        );
        payment.checkout = None;
        assert!(PublicPayment::of(&payment).is_none());
        assert!(Started::of("https://pay.example.com", &payment, &merchant_profile()).is_none());
        Ok(())
    }
}
