//! Authorizations: one attempt to get a payment approved, identified by a reference that we choose.
//!
//! We store the reference before we send anything. If the response is lost, we enquire by
//! reference. If the acquirer says twice that it does not know the reference, we send a reversal
//! until the acquirer acknowledges it; from then on it must decline that reference, so another
//! attempt is safe. Before each reversal we enquire again, and adopt an approval that is found. A
//! minute later we enquire once more, because a request that was delayed in the network may still
//! have been approved. An approval that reaches a closed attempt is voided; if the acquirer has
//! captured it already, it is refunded.

use std::time::Duration;

/// Attempts per payment.
pub const ATTEMPTS_MAX: u16 = 3;

/// How long after the acknowledgement of a reversal the last enquiry is made.
pub const WATCH: Duration = Duration::from_mins(1);

/// How old an attempt must be before the acquirer's "not found" about it is believed: the request may
/// still be on its way.
pub const NOT_FOUND_MIN_AGE: Duration = Duration::from_secs(2);

/// How far apart two answers "not found" must be. One may come from a replica that lags behind.
pub const NOT_FOUND_INTERVAL: Duration = Duration::from_secs(1);

/// The state of an attempt. States ending in -ing are in progress; the card worker acts next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Stored; the request may already have reached the acquirer.
    Sending,
    /// The response is lost; the worker enquires by reference.
    Enquiring,
    /// The acquirer does not know the reference; the worker repeats the reversal until the acquirer
    /// acknowledges it.
    Reversing,
    /// Approved: this attempt holds the payer's funds.
    Approved,
    /// Declined.
    Declined,
    /// Reversed; a last enquiry checks that the acquirer did not approve it after all.
    Watching,
    /// Reversed, and still unknown to the acquirer at the last enquiry.
    Reversed,
    /// Approved but not usable; the worker repeats the void until the acquirer acknowledges it.
    Voiding,
    /// Voided: no funds are held.
    Voided,
    /// Captured but not usable; the worker repeats the refund until the acquirer acknowledges it.
    Refunding,
    /// Refunded: the payer has the money back.
    Refunded,
}

names!(State {
    Sending = "sending",
    Enquiring = "enquiring",
    Reversing = "reversing",
    Approved = "approved",
    Declined = "declined",
    Watching = "watching",
    Reversed = "reversed",
    Voiding = "voiding",
    Voided = "voided",
    Refunding = "refunding",
    Refunded = "refunded",
});

/// What happens to an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// No response, or one that could not be understood.
    ResponseLost,
    /// The acquirer approved.
    Approved,
    /// The acquirer declined.
    Declined,
    /// The acquirer does not know the reference.
    NotFound,
    /// The approval will not be captured, so it must be voided.
    VoidRequired,
    /// The acquirer acknowledged the reversal, the void or the refund.
    Acknowledged,
    /// The acquirer cannot void it, because it has captured the money.
    AlreadyCaptured,
}

names!(Event {
    ResponseLost = "response_lost",
    Approved = "approved",
    Declined = "declined",
    NotFound = "not_found",
    VoidRequired = "void_required",
    Acknowledged = "acknowledged",
    AlreadyCaptured = "already_captured",
});

/// The event is not valid in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("authorization: event {event:?} is not valid in state {state:?}")]
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
            (State::Sending, Event::ResponseLost) => Ok(State::Enquiring),
            (State::Sending | State::Enquiring | State::Reversing, Event::Approved) => {
                Ok(State::Approved)
            }
            (State::Sending | State::Enquiring | State::Reversing, Event::Declined) => {
                Ok(State::Declined)
            }
            (State::Enquiring, Event::NotFound) => Ok(State::Reversing),
            (State::Reversing, Event::Acknowledged) => Ok(State::Watching),
            (State::Watching, Event::NotFound) => Ok(State::Reversed),
            (State::Approved, Event::VoidRequired) => Ok(State::Voiding),
            (State::Voiding, Event::Acknowledged) => Ok(State::Voided),
            (State::Voiding, Event::AlreadyCaptured) => Ok(State::Refunding),
            (State::Refunding, Event::Acknowledged) => Ok(State::Refunded),
            // The acquirer approved although it had declined, reversed or voided: return the funds.
            (
                State::Declined | State::Watching | State::Reversed | State::Voided,
                Event::Approved,
            ) => Ok(State::Voiding),
            (state, event) => Err(InvalidTransition { state, event }),
        }
    }

    /// Whether the card worker must act.
    pub const fn is_in_progress(self) -> bool {
        match self {
            State::Sending
            | State::Enquiring
            | State::Reversing
            | State::Watching
            | State::Voiding
            | State::Refunding => true,
            State::Approved
            | State::Declined
            | State::Reversed
            | State::Voided
            | State::Refunded => false,
        }
    }

    /// Whether another attempt for the same payment must wait for this one, because this one holds
    /// funds or still may.
    pub const fn is_open(self) -> bool {
        match self {
            State::Sending | State::Enquiring | State::Reversing | State::Approved => true,
            State::Declined
            | State::Watching
            | State::Reversed
            | State::Voiding
            | State::Voided
            | State::Refunding
            | State::Refunded => false,
        }
    }
}

/// How long to wait before the next try with an acquirer that did not respond: a quarter of the
/// payment's `age`, between one second and one minute.
pub fn retry_after_age(age: Duration) -> Duration {
    (age / 4).clamp(Duration::from_secs(1), Duration::from_mins(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 7] = [
        Event::ResponseLost,
        Event::Approved,
        Event::Declined,
        Event::NotFound,
        Event::VoidRequired,
        Event::Acknowledged,
        Event::AlreadyCaptured,
    ];

    #[test]
    fn prints_every_transition() {
        let transitions: Vec<String> = State::ALL
            .into_iter()
            .flat_map(|state| EVENTS.into_iter().map(move |event| (state, event)))
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
                "sending --response_lost--> enquiring",
                "sending --approved--> approved",
                "sending --declined--> declined",
                "enquiring --approved--> approved",
                "enquiring --declined--> declined",
                "enquiring --not_found--> reversing",
                "reversing --approved--> approved",
                "reversing --declined--> declined",
                "reversing --acknowledged--> watching",
                "approved --void_required--> voiding",
                "declined --approved--> voiding",
                "watching --approved--> voiding",
                "watching --not_found--> reversed",
                "reversed --approved--> voiding",
                "voiding --acknowledged--> voided",
                "voiding --already_captured--> refunding",
                "voided --approved--> voiding",
                "refunding --acknowledged--> refunded",
            ]
        );
    }

    #[test]
    fn states_in_progress_end_in_ing() {
        for state in State::ALL {
            assert_eq!(
                state.is_in_progress(),
                state.name().ends_with("ing"),
                "{state:?}"
            );
            assert_eq!(State::parse(state.name()), Some(state));
        }
    }

    /// Walks every path of seven events and checks the rule that prevents a double charge: a new
    /// attempt may start only when the old one can no longer become approved.
    #[test]
    fn a_closed_attempt_never_becomes_approved() {
        let mut reached = vec![State::Sending];
        for _ in 0..7 {
            let next: Vec<State> = reached
                .iter()
                .flat_map(|state| {
                    EVENTS
                        .into_iter()
                        .filter_map(|event| state.next(event).ok())
                })
                .collect();
            for (from, event) in reached.iter().flat_map(|s| EVENTS.map(|e| (*s, e))) {
                if let Ok(to) = from.next(event) {
                    assert!(
                        from.is_open() || to != State::Approved,
                        "{from:?} {event:?}"
                    );
                    assert!(from.is_open() || !to.is_open(), "{from:?} {event:?}");
                }
            }
            reached.extend(next);
            reached.sort_by_key(|state| state.name());
            reached.dedup();
        }
        assert_eq!(reached.len(), State::ALL.len(), "every state is reached");
    }

    #[test]
    fn retries_become_less_frequent_with_age() {
        let waits =
            [0, 8, 40, 3_600].map(|age| retry_after_age(Duration::from_secs(age)).as_secs());
        assert_eq!(waits, [1, 2, 10, 60]);
    }
}
