//! Checkout sessions: payments as seen by the client that shows their page.

use domain::payment;
use schemars::JsonSchema;
use serde::Serialize;

use super::payment::{PublicPayment, Started};
use crate::fourgeeks::session_id;

/// A created checkout session.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SessionCreated {
    /// Id of the session, `session_…`.
    session_id: String,
    /// URL of the checkout page to send the payer to.
    checkout_url: String,
}

impl SessionCreated {
    /// Builds the response to creating the session of this payment.
    pub fn of(payment: &payment::Payment, started: Started) -> Self {
        Self {
            session_id: session_id(payment.id),
            checkout_url: started.redirect,
        }
    }
}

/// Public view of a session, for anyone who knows its id.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Session<'a> {
    /// Id of the session, `session_…`.
    #[serde(rename = "session_id")]
    id: String,
    /// URL of the checkout page.
    checkout_url: String,
    /// Payment of the session.
    payment: PublicPayment<'a>,
}

impl<'a> Session<'a> {
    /// Returns `None` if the payment has no checkout page.
    pub fn of(payment: &'a payment::Payment, started: Started) -> Option<Self> {
        Some(Self {
            id: session_id(payment.id),
            checkout_url: started.redirect,
            payment: PublicPayment::of(payment)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Body;
    use crate::fourgeeks::response::examples::{merchant_profile, payment};
    use crate::samples::sample;

    #[test]
    fn a_session_leads_to_the_payments_page() -> Result<(), serde_json::Error> {
        let payment = payment()?;
        let started = Started::of("https://pay.example.com", &payment, &merchant_profile());
        let started = sample(started)?;
        let start = format!(
            r#"{{"session_id":"session_0000000000000000000001","checkout_url":"{}""#,
            started.redirect
        );
        let created = SessionCreated::of(&payment, started.clone()).body();
        assert_eq!(created, format!("{start}}}"));
        assert_eq!(Started::answered(&created), Some(started.clone()));
        let public = PublicPayment::of(&payment).map(|payment| payment.body());
        let read = Session::of(&payment, started).map(|session| session.body());
        let expected = format!(r#"{start},"payment":{}}}"#, public.unwrap_or_default());
        assert_eq!(read, Some(expected));
        Ok(())
    }
}
