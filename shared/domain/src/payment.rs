//! Payments and their state machine. [`State::next`] is the only place that decides a transition.

use std::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::card::MaskedCard;
use crate::event;
use crate::id::{CustomerId, IntentId, MerchantId, PaymentId};
use crate::merchant::Mode;
use crate::money::Money;

/// The state of a payment. States ending in -ing are in progress; the card worker acts next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Created without a card; waits for the payer and may expire.
    Created,
    /// Has a card; an authorization is sent, enquired about or reversed.
    Authorizing,
    /// The acquirer approved; the capture is sent until it is confirmed.
    Capturing,
    /// Paid.
    Captured,
    /// Not paid; no funds are held.
    Failed,
    /// The payer did not pay in time.
    Expired,
}

/// How long a payment without a card waits for the payer.
pub const EXPIRES_AFTER: Duration = Duration::from_hours(24);

/// What happens to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The acquirer approved an authorization.
    Authorized,
    /// The acquirer declined the authorization.
    Declined(Failure),
    /// Every attempt was lost and reversed, and no more are allowed.
    Abandoned,
    /// The acquirer confirmed the capture.
    Captured,
    /// The acquirer rejected the capture for good.
    CaptureRefused,
    /// The payer did not pay in time.
    Expired,
}

/// Why a payment failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The issuer declined without a reason.
    CardDeclined,
    /// The card has insufficient funds.
    InsufficientFunds,
    /// The card has expired.
    ExpiredCard,
    /// The acquirer could not process the payment; nothing was charged.
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
    pub const fn name(self) -> &'static str {
        match self {
            Failure::CardDeclined => "card_declined",
            Failure::InsufficientFunds => "insufficient_funds",
            Failure::ExpiredCard => "expired_card",
            Failure::ProcessingError => "processing_error",
            Failure::PaymentExpired => "payment_expired",
        }
    }

    /// The inverse of [`Failure::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.name() == name)
    }
}

/// The event is not valid in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("payment: event {event:?} is not valid in state {state:?}")]
pub struct InvalidTransition {
    /// The state, which does not change.
    pub state: State,
    /// The event that was rejected.
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

    /// The initial state.
    pub const fn opened(with_card: bool) -> Self {
        if with_card {
            State::Authorizing
        } else {
            State::Created
        }
    }

    /// The state that follows `event`.
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
    pub const fn is_in_progress(self) -> bool {
        match self {
            State::Authorizing | State::Capturing => true,
            State::Created | State::Captured | State::Failed | State::Expired => false,
        }
    }

    /// Whether the state is final.
    pub const fn is_terminal(self) -> bool {
        match self {
            State::Captured | State::Failed | State::Expired => true,
            State::Created | State::Authorizing | State::Capturing => false,
        }
    }

    /// The event that notifies the merchant when a payment reaches this state.
    pub const fn event_type(self) -> Option<event::EventType> {
        match self {
            State::Captured => Some(event::EventType::PaymentSucceeded),
            State::Failed | State::Expired => Some(event::EventType::PaymentFailed),
            State::Created | State::Authorizing | State::Capturing => None,
        }
    }

    /// The state's name in the database.
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

    /// The inverse of [`State::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl Event {
    /// Every event; one decline stands for all reasons.
    pub const ALL: [Event; 6] = [
        Event::Authorized,
        Event::Declined(Failure::CardDeclined),
        Event::Abandoned,
        Event::Captured,
        Event::CaptureRefused,
        Event::Expired,
    ];

    /// The event's name in a payment's history.
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

    /// Why the payment failed, if this event made it fail.
    pub const fn failure(self) -> Option<Failure> {
        match self {
            Event::Declined(failure) => Some(failure),
            Event::Abandoned | Event::CaptureRefused => Some(Failure::ProcessingError),
            Event::Expired => Some(Failure::PaymentExpired),
            Event::Authorized | Event::Captured => None,
        }
    }
}

/// Who pays, as the merchant described them with this payment.
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

impl Method {
    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Card => "card",
        }
    }

    /// The inverse of [`Method::name`].
    pub fn parse(name: &str) -> Option<Self> {
        (name == Method::Card.name()).then_some(Method::Card)
    }
}

/// What the hosted page shows, and where it sends the payer afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    /// Names of the items, shown to the payer; they have no price.
    pub items: Vec<String>,
    /// Where the payer is sent after paying.
    pub return_url: String,
}

/// A payment as a merchant may see it: without the full card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The payment's id.
    pub id: PaymentId,
    /// The merchant to be paid.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// The state.
    pub state: State,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// The amount.
    pub money: Money,
    /// How the payer pays.
    pub method: Method,
    /// The merchant's description.
    pub description: Option<String>,
    /// The merchant's own keys and values.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Who pays.
    pub customer: Option<Customer>,
    /// The card, masked.
    pub card: Option<MaskedCard>,
    /// The intent it pays, if any.
    #[serde(default)]
    pub intent_id: Option<IntentId>,
    /// The content of the hosted page, if it is paid there.
    #[serde(default)]
    pub checkout: Option<Checkout>,
    /// The sum of its refunds that succeeded or are in progress, in major units.
    #[serde(default, with = "rust_decimal::serde::str")]
    pub refunded: Decimal,
    /// When it was created.
    #[serde(with = "time::serde::timestamp")]
    pub created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(default = "epoch", with = "time::serde::timestamp")]
    pub updated_at: OffsetDateTime,
}

/// `updated_at` in stored events that are older than the field.
const fn epoch() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole state machine: these transitions and no others.
    #[test]
    fn prints_every_transition() {
        let transitions: Vec<String> = State::ALL
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
            transitions,
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
    fn states_in_progress_end_in_ing_and_terminal_states_accept_no_event() {
        for state in State::ALL {
            let ends_in_ing = state.name().ends_with("ing");
            assert_eq!(state.is_in_progress(), ends_in_ing, "{state:?}");
            let transitions = Event::ALL
                .into_iter()
                .filter(|event| state.next(*event).is_ok())
                .count();
            assert_eq!(state.is_terminal(), transitions == 0, "{state:?}");
            assert_eq!(State::parse(state.name()), Some(state));
        }
    }

    #[test]
    fn each_terminal_state_has_an_event_and_each_failure_a_reason() {
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
