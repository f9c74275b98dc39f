//! Payments: what a merchant asked for, and the one function that says what an event makes of it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::card::MaskedCard;
use crate::event;
use crate::id::{CustomerId, IntentId, MerchantId, PaymentId};
use crate::merchant::Mode;
use crate::money::Money;

/// Where a payment stands. A name in -ing is work in the card worker's hands; the others rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Created without a card; waits for the payer until it expires.
    Created,
    /// A card is there; the acquirer is asked, or asked again, or made to forget a lost attempt.
    Authorizing,
    /// The acquirer approved; the capture is on its way.
    Capturing,
    /// The money is the merchant's.
    Captured,
    /// It will never be captured, and nothing is held.
    Failed,
    /// Nobody paid in time.
    Expired,
}

/// What happens to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The acquirer approved an authorization.
    Authorized,
    /// The acquirer declined it.
    Declined(Failure),
    /// Every attempt was lost and reversed; no more are made.
    Abandoned,
    /// The acquirer captured.
    Captured,
    /// The acquirer will never capture this authorization.
    CaptureRefused,
    /// The time to pay ran out.
    Expired,
}

/// Why a payment failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The issuer said no, without a reason for us.
    CardDeclined,
    /// Not enough money.
    InsufficientFunds,
    /// The card is past its date.
    ExpiredCard,
    /// The acquirer could not do it; nothing was charged.
    ProcessingError,
    /// The payer did not pay in time.
    PaymentExpired,
}

impl Failure {
    /// Every failure.
    pub const ALL: [Failure; 5] = [
        Failure::CardDeclined,
        Failure::InsufficientFunds,
        Failure::ExpiredCard,
        Failure::ProcessingError,
        Failure::PaymentExpired,
    ];

    /// The failure's name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Failure::CardDeclined => "card_declined",
            Failure::InsufficientFunds => "insufficient_funds",
            Failure::ExpiredCard => "expired_card",
            Failure::ProcessingError => "processing_error",
            Failure::PaymentExpired => "payment_expired",
        }
    }

    /// Reads what [`Failure::name`] wrote.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.name() == name)
    }
}

/// An event that cannot happen in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a payment that is {state:?} refuses {event:?}")]
pub struct InvalidTransition {
    /// The state it stays in.
    pub state: State,
    /// What was refused.
    pub event: Event,
}

impl State {
    /// Every state.
    pub const ALL: [State; 6] = [
        State::Created,
        State::Authorizing,
        State::Capturing,
        State::Captured,
        State::Failed,
        State::Expired,
    ];

    /// The state a payment begins in.
    #[must_use]
    pub const fn opened(with_card: bool) -> Self {
        if with_card {
            State::Authorizing
        } else {
            State::Created
        }
    }

    /// Which state follows.
    ///
    /// # Errors
    /// [`InvalidTransition`] if the event cannot happen here; the state stays.
    pub const fn next(self, event: Event) -> Result<State, InvalidTransition> {
        match (self, event) {
            (State::Created, Event::Expired) => Ok(State::Expired),
            (State::Authorizing, Event::Authorized) => Ok(State::Capturing),
            (State::Authorizing, Event::Declined(_) | Event::Abandoned) => Ok(State::Failed),
            (State::Capturing, Event::Captured) => Ok(State::Captured),
            (State::Capturing, Event::CaptureRefused) => Ok(State::Failed),
            (state, event) => Err(InvalidTransition { state, event }),
        }
    }

    /// Whether a worker must act.
    #[must_use]
    pub const fn is_in_progress(self) -> bool {
        match self {
            State::Authorizing | State::Capturing => true,
            State::Created | State::Captured | State::Failed | State::Expired => false,
        }
    }

    /// Whether nothing can happen any more.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            State::Captured | State::Failed | State::Expired => true,
            State::Created | State::Authorizing | State::Capturing => false,
        }
    }

    /// What the merchant is told on arriving here.
    #[must_use]
    pub const fn event_type(self) -> Option<event::EventType> {
        match self {
            State::Captured => Some(event::EventType::PaymentSucceeded),
            State::Failed | State::Expired => Some(event::EventType::PaymentFailed),
            State::Created | State::Authorizing | State::Capturing => None,
        }
    }

    /// The state's name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Created => "created",
            State::Authorizing => "authorizing",
            State::Capturing => "capturing",
            State::Captured => "captured",
            State::Failed => "failed",
            State::Expired => "expired",
        }
    }

    /// Reads what [`State::name`] wrote.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl Event {
    /// Every event; a decline stands for those of all reasons.
    pub const ALL: [Event; 6] = [
        Event::Authorized,
        Event::Declined(Failure::CardDeclined),
        Event::Abandoned,
        Event::Captured,
        Event::CaptureRefused,
        Event::Expired,
    ];

    /// The event's name in a payment's history.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Event::Authorized => "authorized",
            Event::Declined(_) => "declined",
            Event::Abandoned => "abandoned",
            Event::Captured => "captured",
            Event::CaptureRefused => "capture_refused",
            Event::Expired => "expired",
        }
    }

    /// Why the payment failed, where it did.
    #[must_use]
    pub const fn failure(self) -> Option<Failure> {
        match self {
            Event::Declined(failure) => Some(failure),
            Event::Abandoned | Event::CaptureRefused => Some(Failure::ProcessingError),
            Event::Expired => Some(Failure::PaymentExpired),
            Event::Authorized | Event::Captured => None,
        }
    }
}

/// Who pays, as the merchant told us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// The customer's id.
    pub id: CustomerId,
    /// E-mail address.
    pub email: Option<String>,
    /// Full name.
    pub name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
}

/// How the payer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A card.
    Card,
}

/// What the hosted page says, and where it sends the payer afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    /// Names of what is paid for; labels only.
    pub items: Vec<String>,
    /// Where the payer goes after paying.
    pub return_url: String,
}

/// A payment as the merchant may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The payment's id.
    pub id: PaymentId,
    /// Whose it is.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// Where it stands.
    pub state: State,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// How much.
    pub money: Money,
    /// How the payer pays.
    pub method: Method,
    /// The merchant's own words about it.
    pub description: Option<String>,
    /// The merchant's own keys and values.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Who pays.
    pub customer: Option<Customer>,
    /// What may be shown of the card.
    pub card: Option<MaskedCard>,
    /// The intent it pays, if it pays one.
    #[serde(default)]
    pub intent_id: Option<IntentId>,
    /// What the hosted page says, if it is paid there.
    #[serde(default)]
    pub checkout: Option<Checkout>,
    /// How much of it was given back or is on its way back, in major units.
    #[serde(default, with = "rust_decimal::serde::str")]
    pub refunded: Decimal,
    /// When it was created.
    #[serde(with = "time::serde::timestamp")]
    pub created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(default = "epoch", with = "time::serde::timestamp")]
    pub updated_at: OffsetDateTime,
}

/// What notices frozen before the field was there have in its place.
const fn epoch() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole machine on one page: every move there is, and no other.
    #[test]
    fn the_page_of_all_moves() {
        let moves: Vec<String> = State::ALL
            .into_iter()
            .flat_map(|state| Event::ALL.into_iter().map(move |event| (state, event)))
            .filter_map(|(state, event)| {
                let next = state.next(event).ok()?;
                Some(format!(
                    "{} --{}--> {}",
                    state.name(),
                    event.name(),
                    next.name()
                ))
            })
            .collect();
        assert_eq!(
            moves,
            [
                "created --expired--> expired",
                "authorizing --authorized--> capturing",
                "authorizing --declined--> failed",
                "authorizing --abandoned--> failed",
                "capturing --captured--> captured",
                "capturing --capture_refused--> failed",
            ]
        );
    }

    #[test]
    fn work_ends_in_ing_and_terminal_stays() {
        for state in State::ALL {
            let is_named_work = state.name().ends_with("ing");
            assert_eq!(state.is_in_progress(), is_named_work, "{state:?}");
            let moves = Event::ALL
                .into_iter()
                .filter(|event| state.next(*event).is_ok())
                .count();
            assert_eq!(state.is_terminal(), moves == 0, "{state:?}");
            assert_eq!(State::parse(state.name()), Some(state));
        }
    }

    #[test]
    fn every_end_is_told_once_and_every_failure_has_a_reason() {
        for state in State::ALL {
            assert_eq!(
                state.event_type().is_some(),
                state.is_terminal(),
                "{state:?}"
            );
            for event in Event::ALL {
                if let Ok(next) = state.next(event) {
                    let unpaid = matches!(next, State::Failed | State::Expired);
                    assert_eq!(event.failure().is_some(), unpaid, "{event:?}");
                }
            }
        }
    }
}
