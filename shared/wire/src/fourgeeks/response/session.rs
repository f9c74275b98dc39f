//! A session: a payment as the program that shows its page speaks of it.

use domain::payment;
use schemars::JsonSchema;
use serde::Serialize;

use super::payment::{Begun, PublicPayment};
use crate::fourgeeks::{Shop, session_id};

/// A session was begun.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SessionCreated {
    /// The session's id.
    session_id: String,
    /// The page to send the payer to.
    checkout_url: String,
}

impl SessionCreated {
    /// `None` for a payment that has no page. `base` is where payers reach the gateway.
    #[must_use]
    pub fn of(base: &str, payment: &payment::Payment, shop: &Shop) -> Option<Self> {
        Some(Self {
            session_id: session_id(payment.id),
            checkout_url: Begun::of(base, payment, shop)?.redirect,
        })
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

/// A session, as whoever has its id may see it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Session<'a> {
    /// The session's id.
    #[serde(rename = "session_id")]
    id: String,
    /// The page on which it is paid.
    checkout_url: String,
    /// What is paid.
    payment: PublicPayment<'a>,
}

impl<'a> Session<'a> {
    /// `None` for a payment that has no page. `base` is where payers reach the gateway.
    #[must_use]
    pub fn of(base: &str, payment: &'a payment::Payment, shop: &Shop) -> Option<Self> {
        Some(Self {
            id: session_id(payment.id),
            checkout_url: Begun::of(base, payment, shop)?.redirect,
            payment: PublicPayment::of(payment)?,
        })
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fourgeeks::error::Error;
    use crate::fourgeeks::response::examples::{payment, shop};

    #[test]
    fn a_session_leads_to_the_payments_page() -> Result<(), Error> {
        let (base, payment) = ("https://pay.example.com", payment()?);
        let begun = Begun::of(base, &payment, &shop()).ok_or_else(Error::internal)?;
        let start = format!(
            r#"{{"session_id":"session_0000000000000000000001","checkout_url":"{}""#,
            begun.redirect
        );
        let created = SessionCreated::of(base, &payment, &shop()).map(|made| made.body());
        assert_eq!(created, Some(format!("{start}}}")));
        let public = PublicPayment::of(&payment).map(|payment| payment.body());
        let read = Session::of(base, &payment, &shop()).map(|session| session.body());
        let expected = format!(r#"{start},"payment":{}}}"#, public.unwrap_or_default());
        assert_eq!(read, Some(expected));
        Ok(())
    }
}
