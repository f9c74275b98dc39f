//! Authorizations: one attempt to get a payment approved, under one reference of ours.
//!
//! The reference is stored before anything is sent. An answer that is lost is asked for; an
//! attempt the acquirer does not know is reversed until it acknowledges, after which it refuses
//! that reference for ever; only then may another attempt start. It is asked once more a minute
//! later all the same: an approval that reaches a closed attempt is voided.

use std::time::Duration;

/// How many attempts one payment gets.
pub const ATTEMPTS_MAX: u16 = 3;

/// How long after its acknowledgement a reversal is watched.
pub const WATCH: Duration = Duration::from_mins(1);

/// Where an attempt stands. A name in -ing is work in the card worker's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Stored, and perhaps already at the acquirer.
    Sending,
    /// The answer is lost; the acquirer is asked by our reference.
    Enquiring,
    /// The acquirer does not know it; it is told to forget the reference, until it acknowledges.
    Reversing,
    /// Approved: this attempt holds the payer's money.
    Approved,
    /// Declined: final.
    Declined,
    /// Reversed: the acquirer promised to refuse this reference for ever, and is asked once more.
    Watching,
    /// Reversed, and the promise was kept.
    Reversed,
    /// Approved, but not to be used: it is voided, until the acquirer acknowledges.
    Voiding,
    /// Voided: nothing is held.
    Voided,
}

/// What happens to an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// No answer, or none that can be understood.
    Lost,
    /// The acquirer says approved.
    Approved,
    /// The acquirer says declined.
    Declined,
    /// The acquirer does not know our reference.
    NotFound,
    /// The approval is of no use any more.
    Unwanted,
    /// The acquirer acknowledged the reversal or the void.
    Acknowledged,
}

/// An event that cannot happen in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an authorization that is {state:?} refuses {event:?}")]
pub struct InvalidTransition {
    /// The state it stays in.
    pub state: State,
    /// What was refused.
    pub event: Event,
}

impl State {
    /// Every state.
    pub const ALL: [State; 9] = [
        State::Sending,
        State::Enquiring,
        State::Reversing,
        State::Approved,
        State::Declined,
        State::Watching,
        State::Reversed,
        State::Voiding,
        State::Voided,
    ];

    /// Which state follows.
    ///
    /// # Errors
    /// [`InvalidTransition`] if the event cannot happen here; the state stays.
    pub const fn next(self, event: Event) -> Result<State, InvalidTransition> {
        match (self, event) {
            (State::Sending, Event::Lost) => Ok(State::Enquiring),
            (State::Sending | State::Enquiring, Event::Approved) => Ok(State::Approved),
            (State::Sending | State::Enquiring, Event::Declined) => Ok(State::Declined),
            (State::Enquiring, Event::NotFound) => Ok(State::Reversing),
            (State::Reversing, Event::Acknowledged) => Ok(State::Watching),
            (State::Watching, Event::NotFound) => Ok(State::Reversed),
            (State::Approved, Event::Unwanted) => Ok(State::Voiding),
            (State::Voiding, Event::Acknowledged) => Ok(State::Voided),
            // A late approval: the acquirer approved what it had promised to refuse.
            (
                State::Declined | State::Watching | State::Reversed | State::Voided,
                Event::Approved,
            ) => Ok(State::Voiding),
            (state, event) => Err(InvalidTransition { state, event }),
        }
    }

    /// Whether the card worker must act.
    #[must_use]
    pub const fn is_in_progress(self) -> bool {
        match self {
            State::Sending
            | State::Enquiring
            | State::Reversing
            | State::Watching
            | State::Voiding => true,
            State::Approved | State::Declined | State::Reversed | State::Voided => false,
        }
    }

    /// Whether another attempt for the same payment must wait for this one.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            State::Sending | State::Enquiring | State::Reversing | State::Approved => true,
            State::Declined
            | State::Watching
            | State::Reversed
            | State::Voiding
            | State::Voided => false,
        }
    }

    /// The state's name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Sending => "sending",
            State::Enquiring => "enquiring",
            State::Reversing => "reversing",
            State::Approved => "approved",
            State::Declined => "declined",
            State::Watching => "watching",
            State::Reversed => "reversed",
            State::Voiding => "voiding",
            State::Voided => "voided",
        }
    }

    /// Reads what [`State::name`] wrote.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl Event {
    /// The event's name in a payment's history.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Event::Lost => "answer_lost",
            Event::Approved => "approved",
            Event::Declined => "declined",
            Event::NotFound => "not_found",
            Event::Unwanted => "unwanted",
            Event::Acknowledged => "acknowledged",
        }
    }
}

/// When to ask an acquirer again that gave no answer about a payment of this age: a quarter of
/// the age, between one second and a minute.
#[must_use]
pub fn retry_after_age(age: Duration) -> Duration {
    (age / 4).clamp(Duration::from_secs(1), Duration::from_mins(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 6] = [
        Event::Lost,
        Event::Approved,
        Event::Declined,
        Event::NotFound,
        Event::Unwanted,
        Event::Acknowledged,
    ];

    #[test]
    fn the_page_of_all_moves() {
        let moves: Vec<String> = State::ALL
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
            moves,
            [
                "sending --answer_lost--> enquiring",
                "sending --approved--> approved",
                "sending --declined--> declined",
                "enquiring --approved--> approved",
                "enquiring --declined--> declined",
                "enquiring --not_found--> reversing",
                "reversing --acknowledged--> watching",
                "approved --unwanted--> voiding",
                "declined --approved--> voiding",
                "watching --approved--> voiding",
                "watching --not_found--> reversed",
                "reversed --approved--> voiding",
                "voiding --acknowledged--> voided",
                "voided --approved--> voiding",
            ]
        );
    }

    #[test]
    fn work_ends_in_ing() {
        for state in State::ALL {
            assert_eq!(
                state.is_in_progress(),
                state.name().ends_with("ing"),
                "{state:?}"
            );
            assert_eq!(State::parse(state.name()), Some(state));
        }
    }

    /// Walks every path of seven events and holds the rule that forbids a double charge: a new
    /// attempt may start only when the old one can no longer come to hold money by itself.
    #[test]
    fn a_closed_attempt_never_comes_to_hold_money() {
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
    fn the_acquirer_is_asked_again_ever_more_rarely() {
        let waits =
            [0, 8, 40, 3_600].map(|age| retry_after_age(Duration::from_secs(age)).as_secs());
        assert_eq!(waits, [1, 2, 10, 60]);
    }
}
