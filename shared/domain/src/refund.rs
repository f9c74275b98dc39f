//! Refunds: money of a captured payment on its way back to the payer.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::id::{MerchantId, PaymentId, RefundId};
use crate::merchant::Mode;
use crate::money::Money;

/// Where a refund stands. A name that ends in -ing is work in a worker's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The acquirer is asked under the refund's own reference, which it honours once.
    Refunding,
    /// The acquirer gave the money back.
    Refunded,
    /// The acquirer refused: the payer has nothing back, and the amount may be refunded anew.
    Failed,
}

/// What can happen to a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The acquirer did it.
    Accepted,
    /// The acquirer will not do it.
    Refused,
}

/// An event that a refund's state refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a refund that is {state:?} refuses {event:?}")]
pub struct InvalidTransition {
    /// The state it is in.
    pub state: State,
    /// What was said to happen.
    pub event: Event,
}

impl State {
    /// Every state.
    pub const ALL: [State; 3] = [State::Refunding, State::Refunded, State::Failed];

    /// The state that follows.
    ///
    /// # Errors
    /// [`InvalidTransition`] if the state knows no such event.
    pub const fn next(self, event: Event) -> Result<State, InvalidTransition> {
        match (self, event) {
            (State::Refunding, Event::Accepted) => Ok(State::Refunded),
            (State::Refunding, Event::Refused) => Ok(State::Failed),
            (state, event) => Err(InvalidTransition { state, event }),
        }
    }

    /// Whether a worker must act next.
    #[must_use]
    pub const fn is_in_progress(self) -> bool {
        matches!(self, State::Refunding)
    }

    /// The state's name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Refunding => "refunding",
            State::Refunded => "refunded",
            State::Failed => "failed",
        }
    }

    /// Reads what [`State::name`] wrote.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its id; with its prefix our reference at the acquirer.
    pub id: RefundId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// Whose.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// Where it stands.
    pub state: State,
    /// How much, in the payment's currency.
    pub money: Money,
    /// The merchant's reason.
    pub reason: Option<String>,
    /// When it was asked for.
    #[serde(with = "time::serde::timestamp")]
    pub created_at: OffsetDateTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_all_moves() {
        let mut moves = Vec::new();
        for state in State::ALL {
            for event in [Event::Accepted, Event::Refused] {
                if let Ok(next) = state.next(event) {
                    moves.push(format!("{} --{event:?}--> {}", state.name(), next.name()));
                }
            }
            assert_eq!(state.is_in_progress(), state.name().ends_with("ing"));
            assert_eq!(State::parse(state.name()), Some(state));
        }
        assert_eq!(
            moves,
            [
                "refunding --Accepted--> refunded",
                "refunding --Refused--> failed",
            ]
        );
    }
}
