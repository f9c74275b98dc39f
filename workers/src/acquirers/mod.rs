//! The acquirers, by name. Each call carries Sluice's own reference, which an acquirer processes once: the
//! same reference twice is one authorization or one refund.
//!
//! To add an acquirer, add a file here that implements [`Acquirer`] and a line in [`Acquirers::open`].

mod sandbox;

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Context as _;
use domain::card::Card;
use domain::id::{AuthorizationId, PaymentId, RefundId};
use domain::merchant::Mode;
use domain::money::Money;
use domain::payment::Failure;
use futures::future::BoxFuture;
use store::payments::Approval;
use telemetry::metrics::table::{ACQUIRER_CALL_DURATION, ACQUIRER_CALLS};

use crate::config::Acquiring;
use crate::runtime::shares::{Party, Share, Shares};

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

/// The name of a response in the metrics.
trait Outcome {
    fn name(&self) -> &'static str;
}

impl Outcome for Authorized {
    fn name(&self) -> &'static str {
        match self {
            Authorized::Approved(_) => "approved",
            Authorized::Declined(_) => "declined",
        }
    }
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

impl Outcome for Found {
    fn name(&self) -> &'static str {
        match self {
            Found::Approved(_) => "approved",
            Found::Captured(_) => "captured",
            Found::Declined(_) => "declined",
            Found::Processing => "processing",
            Found::Nothing => "not_found",
        }
    }
}

/// The response to a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Captured {
    Done,
    Rejected,
}

impl Outcome for Captured {
    fn name(&self) -> &'static str {
        match self {
            Captured::Done => "captured",
            Captured::Rejected => "rejected",
        }
    }
}

/// The response to a void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voided {
    Done,
    /// The acquirer has captured the money: only a refund returns it.
    AlreadyCaptured,
}

impl Outcome for Voided {
    fn name(&self) -> &'static str {
        match self {
            Voided::Done => "voided",
            Voided::AlreadyCaptured => "already_captured",
        }
    }
}

/// The response to a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refunded {
    Done,
    Rejected,
}

impl Outcome for Refunded {
    fn name(&self) -> &'static str {
        match self {
            Refunded::Done => "refunded",
            Refunded::Rejected => "rejected",
        }
    }
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

/// An acquirer whose responses are measured, and count for its share of the worker's slots.
struct Observed {
    name: &'static str,
    acquirer: Box<dyn Acquirer>,
    party: Party,
    shares: Shares,
}

impl Observed {
    fn observe<'a, T: Outcome + Send + 'a>(
        &'a self,
        operation: &'static str,
        call: Call<'a, T>,
    ) -> Call<'a, T> {
        Box::pin(async move {
            let started = Instant::now();
            let response = call.await;
            ACQUIRER_CALL_DURATION.observe([self.name, operation], started.elapsed());
            let outcome = response.as_ref().map_or("unknown", Outcome::name);
            ACQUIRER_CALLS.increment([self.name, operation, outcome]);
            self.shares.record(&self.party, response.is_ok());
            response
        })
    }
}

impl Acquirer for Observed {
    fn takes(&self, mode: Mode) -> bool {
        self.acquirer.takes(mode)
    }

    fn authorize<'a>(&'a self, what: Authorize<'a>) -> Call<'a, Authorized> {
        self.observe("authorize", self.acquirer.authorize(what))
    }

    fn enquire(&self, reference: AuthorizationId, money: Money) -> Call<'_, Found> {
        self.observe("enquire", self.acquirer.enquire(reference, money))
    }

    fn capture(&self, reference: AuthorizationId, money: Money) -> Call<'_, Captured> {
        self.observe("capture", self.acquirer.capture(reference, money))
    }

    fn void(&self, reference: AuthorizationId) -> Call<'_, Voided> {
        self.observe("void", self.acquirer.void(reference))
    }

    fn refund(
        &self,
        reference: RefundId,
        captured: AuthorizationId,
        money: Money,
    ) -> Call<'_, Refunded> {
        self.observe("refund", self.acquirer.refund(reference, captured, money))
    }
}

/// All acquirers, by the name that is stored with each attempt.
pub struct Acquirers(BTreeMap<&'static str, Observed>);

impl Acquirers {
    /// Opens a client for each acquirer. Its responses are recorded in `shares`.
    pub fn open(config: &Acquiring, shares: &Shares) -> anyhow::Result<Self> {
        let sandbox = sandbox::Sandbox::new(&config.sandbox_url, config.timeout())
            .context("the sandbox acquirer's URL")?;
        let all: [(_, Box<dyn Acquirer>); 1] = [("sandbox", Box::new(sandbox))];
        let observed = |(name, acquirer)| {
            let (party, shares) = (Party::Acquirer(name), shares.clone());
            let acquirer = Observed {
                name,
                acquirer,
                party,
                shares,
            };
            (name, acquirer)
        };
        Ok(Self(all.into_iter().map(observed).collect()))
    }

    /// The share of the slots that jobs with one acquirer get: as large as that of every other one.
    pub fn share(&self, name: &str) -> Option<Share> {
        let (name, _) = self.0.get_key_value(name)?;
        Some(Share::of(Party::Acquirer(name), self.0.len()))
    }

    /// The acquirer with this name, if it accepts payments of this mode.
    pub fn get(&self, name: &str, mode: Mode) -> Option<&dyn Acquirer> {
        let acquirer: &dyn Acquirer = self.0.get(name)?;
        acquirer.takes(mode).then_some(acquirer)
    }
}
