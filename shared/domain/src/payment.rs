//! Payments and their state machine. [`State::next`] is the only place that decides a transition.

use std::time::Duration;

use rust_decimal::Decimal;
use time::OffsetDateTime;

use crate::card::MaskedCard;
use crate::event;
use crate::id::{CustomerId, IntentId, MerchantId, PaymentId};
use crate::merchant::Mode;
use crate::money::Money;

/// The state of a payment. States ending in -ing are in progress; the card worker acts next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

names!(State {
    Created = "created",
    Authorizing = "authorizing",
    Capturing = "capturing",
    Captured = "captured",
    Failed = "failed",
    Expired = "expired",
});

/// How long a payment may be in progress before `sluice verify` reports it. Its sealed card is destroyed
/// after a day, and then only enquiries and reversals remain.
pub const IN_PROGRESS_MAX: Duration = Duration::from_hours(25);

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
    AttemptsExhausted,
    /// The sealed card was destroyed before any attempt got a result.
    CardDestroyed,
    /// The acquirer confirmed the capture.
    Captured,
    /// The acquirer rejected the capture for good.
    CaptureRejected,
    /// The payer did not pay in time.
    Expired,
}

/// Why a payment failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

names!(Failure {
    CardDeclined = "card_declined",
    InsufficientFunds = "insufficient_funds",
    ExpiredCard = "expired_card",
    ProcessingError = "processing_error",
    PaymentExpired = "payment_expired",
});

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
            (
                State::Authorizing,
                Event::Declined(_) | Event::AttemptsExhausted | Event::CardDestroyed,
            ) => Ok(State::Failed),
            (State::Capturing, Event::Captured) => Ok(State::Captured),
            (State::Capturing, Event::CaptureRejected) => Ok(State::Failed),
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

    /// Whether an approved authorization stands behind the payment.
    pub const fn holds_approval(self) -> bool {
        match self {
            State::Capturing | State::Captured => true,
            State::Created | State::Authorizing | State::Failed | State::Expired => false,
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
}

impl Event {
    /// Every event; one decline stands for all reasons.
    pub const ALL: [Event; 7] = [
        Event::Authorized,
        Event::Declined(Failure::CardDeclined),
        Event::AttemptsExhausted,
        Event::CardDestroyed,
        Event::Captured,
        Event::CaptureRejected,
        Event::Expired,
    ];

    /// The event's name in a payment's history.
    pub const fn name(self) -> &'static str {
        match self {
            Event::Authorized => "authorized",
            Event::Declined(_) => "declined",
            Event::AttemptsExhausted => "attempts_exhausted",
            Event::CardDestroyed => "card_destroyed",
            Event::Captured => "captured",
            Event::CaptureRejected => "capture_rejected",
            Event::Expired => "expired",
        }
    }

    /// Why the payment failed, if this event made it fail.
    pub const fn failure(self) -> Option<Failure> {
        match self {
            Event::Declined(failure) => Some(failure),
            Event::AttemptsExhausted | Event::CardDestroyed | Event::CaptureRejected => {
                Some(Failure::ProcessingError)
            }
            Event::Expired => Some(Failure::PaymentExpired),
            Event::Authorized | Event::Captured => None,
        }
    }
}

/// Who pays, as the merchant described them with this payment.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A card.
    Card,
}

names!(Method {
    Card = "card",
});

/// What the hosted page shows, and where it sends the payer afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// Names of the items, shown to the payer; they have no price.
    pub items: Vec<String>,
    /// Where the payer is sent after paying.
    pub return_url: String,
}

/// A payment as a merchant may see it: without the full card.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    pub intent_id: Option<IntentId>,
    /// The content of the hosted page, if it is paid there.
    pub checkout: Option<Checkout>,
    /// The sum of its refunds that succeeded or are in progress, in major units.
    pub refunded: Decimal,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
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
                "authorizing --attempts_exhausted--> failed",
                "authorizing --card_destroyed--> failed",
                "capturing --captured--> captured",
                "capturing --capture_rejected--> failed",
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
