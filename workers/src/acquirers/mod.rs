//! What an acquirer can do. Each call carries our own reference, which the acquirer keeps apart
//! for ever: the same one twice is one authorization.

use std::future::Future;

use domain::card::Card;
use domain::id::{AuthorizationId, PaymentId, RefundId};
use domain::merchant::Mode;
use domain::money::Money;
use domain::payment::Failure;

pub mod sandbox;

use self::sandbox::Sandbox;

/// No answer that can be believed: the request may have been done or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indeterminate(pub &'static str);

/// What to authorize.
pub struct Authorize<'a> {
    pub reference: AuthorizationId,
    pub payment: PaymentId,
    pub money: Money,
    pub card: &'a Card,
}

/// The answer to an authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorized {
    Approved,
    Declined(Failure),
}

/// The answer to an enquiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It holds the payer's money.
    Approved,
    /// It took it.
    Captured,
    /// It said no.
    Declined(Failure),
    /// It has not decided yet.
    Processing,
    /// It does not know the reference, or was told to forget it.
    Nothing,
}

/// The answer to a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Captured {
    Done,
    Refused,
}

/// The answer to a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refunded {
    Done,
    Refused,
}

/// An acquirer.
pub trait Acquirer {
    /// Asks to hold the payer's money.
    fn authorize(
        &self,
        what: Authorize<'_>,
    ) -> impl Future<Output = Result<Authorized, Indeterminate>> + Send;

    /// Asks what became of a reference.
    fn enquire(
        &self,
        reference: AuthorizationId,
        money: Money,
    ) -> impl Future<Output = Result<Found, Indeterminate>> + Send;

    /// Takes the whole amount held. Doing it again changes nothing.
    fn capture(
        &self,
        reference: AuthorizationId,
        money: Money,
    ) -> impl Future<Output = Result<Captured, Indeterminate>> + Send;

    /// Lets go what is held, or reverses what was never seen: when it is acknowledged, the
    /// reference holds nothing and never will. Doing it again changes nothing.
    fn void(
        &self,
        reference: AuthorizationId,
    ) -> impl Future<Output = Result<(), Indeterminate>> + Send;

    /// Gives back captured money under a reference of its own. Doing it again changes nothing.
    fn refund(
        &self,
        reference: RefundId,
        captured: AuthorizationId,
        money: Money,
    ) -> impl Future<Output = Result<Refunded, Indeterminate>> + Send;
}

/// Which acquirer takes which payments.
pub struct Acquirers {
    pub test: Sandbox,
}

impl Acquirers {
    /// The acquirer for a mode; the API accepts no payment that has none.
    pub fn of(&self, mode: Mode) -> Option<&Sandbox> {
        match mode {
            Mode::Test => Some(&self.test),
            Mode::Live => None,
        }
    }
}
