//! The acquirers, by name. Each call carries Sluice's own reference, which an acquirer processes once: the
//! same reference twice is one authorization or one refund.
//!
//! To add an acquirer, add a file here that implements [`Acquirer`] and a line in [`Acquirers::open`].

mod sandbox;

use std::collections::BTreeMap;

use anyhow::Context as _;
use domain::card::Card;
use domain::id::{AuthorizationId, PaymentId, RefundId};
use domain::merchant::Mode;
use domain::money::Money;
use domain::payment::Failure;
use futures::future::BoxFuture;
use store::payments::Approval;

use crate::config::Acquiring;

/// No clear response, for this reason: the acquirer may or may not have processed the request. Never
/// treat it as success or failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indeterminate(pub &'static str);

/// A call in progress.
pub type Call<'a, T> = BoxFuture<'a, Result<T, Indeterminate>>;

/// What to authorize.
pub struct Authorize<'a> {
    pub reference: AuthorizationId,
    pub payment: PaymentId,
    pub money: Money,
    pub card: &'a Card,
}

/// The response to an authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorized {
    Approved(Approval),
    Declined(Failure),
}

/// The response to an enquiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The acquirer holds the payer's money.
    Approved(Approval),
    /// The acquirer has captured the money.
    Captured(Approval),
    Declined(Failure),
    /// The acquirer has not decided yet.
    Processing,
    /// The acquirer does not know the reference, or has voided it.
    Nothing,
}

/// The response to a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Captured {
    Done,
    Rejected,
}

/// The response to a void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voided {
    Done,
    /// The acquirer has captured the money: only a refund returns it.
    AlreadyCaptured,
}

/// The response to a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refunded {
    Done,
    Rejected,
}

/// An acquirer. A call ends within the configured timeout.
pub trait Acquirer: Send + Sync {
    /// Whether it accepts payments of this mode.
    fn takes(&self, mode: Mode) -> bool;

    /// Asks to hold the payer's money.
    fn authorize<'a>(&'a self, what: Authorize<'a>) -> Call<'a, Authorized>;

    /// Asks for the status of a reference.
    fn enquire(&self, reference: AuthorizationId, money: Money) -> Call<'_, Found>;

    /// Captures the whole authorized amount. Repeating it changes nothing.
    fn capture(&self, reference: AuthorizationId, money: Money) -> Call<'_, Captured>;

    /// Voids an authorization, including one that the acquirer never received: once it acknowledges the
    /// void, the reference holds no money and never will. Repeating it changes nothing.
    fn void(&self, reference: AuthorizationId) -> Call<'_, Voided>;

    /// Refunds captured money under a reference of its own. Repeating it changes nothing.
    fn refund(
        &self,
        reference: RefundId,
        captured: AuthorizationId,
        money: Money,
    ) -> Call<'_, Refunded>;
}

/// All acquirers, by the name that is stored with each attempt.
pub struct Acquirers(BTreeMap<&'static str, Box<dyn Acquirer>>);

impl Acquirers {
    /// Opens a client for each acquirer.
    pub fn open(config: &Acquiring) -> anyhow::Result<Self> {
        let sandbox = sandbox::Sandbox::new(&config.sandbox_url, config.timeout())
            .context("the sandbox acquirer's URL")?;
        let mut all = BTreeMap::<_, Box<dyn Acquirer>>::new();
        all.insert("sandbox", Box::new(sandbox));
        Ok(Self(all))
    }

    /// The acquirer with this name, if it accepts payments of this mode.
    pub fn get(&self, name: &str, mode: Mode) -> Option<&dyn Acquirer> {
        let acquirer = self.0.get(name)?;
        acquirer.takes(mode).then_some(&**acquirer)
    }
}
