//! Refunds of captured payments, and their state machine.

use std::time::Duration;

use time::OffsetDateTime;

use crate::id::{IntentId, MerchantId, PaymentId, RefundId};
use crate::merchant::Mode;
use crate::money::Money;

/// How long a refund may be in progress before `sluice verify` reports it. An acquirer that is out of
/// service keeps refunds in progress for as long.
pub const IN_PROGRESS_MAX: Duration = Duration::from_hours(72);

/// The state of a refund. States ending in -ing are in progress; the refund worker acts next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The worker sends the refund until the acquirer decides. Repeating it is safe: the acquirer
    /// executes each reference at most once.
    Refunding,
    /// The acquirer refunded the payer.
    Refunded,
    /// The acquirer rejected the refund. The payer received nothing; the amount may be refunded
    /// again.
    Failed,
}

names!(State {
    Refunding = "refunding",
    Refunded = "refunded",
    Failed = "failed",
});

/// What happens to a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The acquirer accepted the refund.
    Accepted,
    /// The acquirer rejected the refund.
    Rejected,
}

/// The event is not valid in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("refund: event {event:?} is not valid in state {state:?}")]
pub struct InvalidTransition {
    /// The state, which does not change.
    pub state: State,
    /// The event that was rejected.
    pub event: Event,
}

impl State {
    /// The state that follows `event`.
    pub const fn next(self, event: Event) -> Result<State, InvalidTransition> {
        match (self, event) {
            (State::Refunding, Event::Accepted) => Ok(State::Refunded),
            (State::Refunding, Event::Rejected) => Ok(State::Failed),
            (state, event) => Err(InvalidTransition { state, event }),
        }
    }

    /// Whether a worker must act next.
    pub const fn is_in_progress(self) -> bool {
        matches!(self, State::Refunding)
    }
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// The refund's id; its public form is also our reference at the acquirer.
    pub id: RefundId,
    /// The payment that is refunded.
    pub payment_id: PaymentId,
    /// The intent that the payment pays, if any.
    pub intent_id: Option<IntentId>,
    /// The merchant of the payment.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// The state.
    pub state: State,
    /// The amount, in the payment's currency.
    pub money: Money,
    /// The merchant's reason.
    pub reason: Option<String>,
    /// When it was requested.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_every_transition() {
        let mut transitions = Vec::new();
        for state in State::ALL {
            for event in [Event::Accepted, Event::Rejected] {
                if let Ok(next) = state.next(event) {
                    transitions.push(format!("{} --{event:?}--> {}", state.name(), next.name()));
                }
            }
            assert_eq!(state.is_in_progress(), state.name().ends_with("ing"));
            assert_eq!(State::parse(state.name()), Some(state));
        }
        assert_eq!(
            transitions,
            [
                "refunding --Accepted--> refunded",
                "refunding --Rejected--> failed",
            ]
        );
    }
}
