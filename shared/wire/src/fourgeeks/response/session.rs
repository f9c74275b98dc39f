//! A session: a payment as the program that shows its page speaks of it.

use domain::payment;
use schemars::JsonSchema;
use serde::Serialize;

use super::payment::{PublicPayment, Started};
use crate::fourgeeks::session_id;

/// A session was begun.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SessionCreated {
    /// The session's id.
    session_id: String,
    /// The page to send the payer to.
    checkout_url: String,
}

impl SessionCreated {
    /// The answer to creating a session, whose payment this is.
    pub fn of(payment: &payment::Payment, started: Started) -> Self {
        Self {
            session_id: session_id(payment.id),
            checkout_url: started.redirect,
        }
    }

    /// The body.
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
    /// `None` for a payment that has no page.
    pub fn of(payment: &'a payment::Payment, started: Started) -> Option<Self> {
        Some(Self {
            id: session_id(payment.id),
            checkout_url: started.redirect,
            payment: PublicPayment::of(payment)?,
        })
    }

    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fourgeeks::error::{Error, INTERNAL};
    use crate::fourgeeks::response::examples::{merchant_profile, payment};

    #[test]
    fn a_session_leads_to_the_payments_page() -> Result<(), Error> {
        let payment = payment()?;
        let started = Started::of("https://pay.example.com", &payment, &merchant_profile())
            .ok_or_else(|| Error::of(&INTERNAL))?;
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
