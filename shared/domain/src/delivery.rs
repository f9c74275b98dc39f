//! Deliveries: one event on its way to one endpoint.

use std::time::Duration;

/// Seconds until the next try after a first, second, … failed one: 1 min, 5 min, 30 min, 2 h, 6 h.
const RETRIES: [u64; 5] = [60, 300, 1_800, 7_200, 21_600];

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The webhook worker must post it, now or at its next try.
    Delivering,
    /// The endpoint answered 2xx.
    Delivered,
    /// Every try failed; nothing more is sent.
    Exhausted,
    /// The merchant deleted the endpoint; nothing more is sent.
    Canceled,
}

impl State {
    /// Every state.
    pub const ALL: [State; 4] = [
        State::Delivering,
        State::Delivered,
        State::Exhausted,
        State::Canceled,
    ];

    /// The state's name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Delivering => "delivering",
            State::Delivered => "delivered",
            State::Exhausted => "exhausted",
            State::Canceled => "canceled",
        }
    }
}

/// What the endpoint did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It answered 2xx in time.
    Accepted,
    /// Anything else.
    Refused,
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// The state to write.
    pub state: State,
    /// How long until the next try, if there is one.
    pub retry_after: Option<Duration>,
}

/// What follows the attempt number `attempt` (from 1). `jitter` (0 ..= 255) stretches the wait by
/// up to a tenth, so that an endpoint's backlog does not come back in one instant.
#[must_use]
pub fn after(event: Event, attempt: u32, jitter: u8) -> Next {
    if event == Event::Accepted {
        return Next {
            state: State::Delivered,
            retry_after: None,
        };
    }
    let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    match RETRIES.get(index) {
        None => Next {
            state: State::Exhausted,
            retry_after: None,
        },
        Some(seconds) => {
            let stretch = seconds
                .saturating_mul(u64::from(jitter))
                .saturating_mul(100)
                / 255;
            let wait = Duration::from_millis(seconds.saturating_mul(1_000).saturating_add(stretch));
            Next {
                state: State::Delivering,
                retry_after: Some(wait),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_one_five_thirty_minutes_two_six_hours_then_the_end() {
        let waits: Vec<_> = (1..=6)
            .map(|n| after(Event::Refused, n, 0).retry_after)
            .collect();
        let expected = [60, 300, 1_800, 7_200, 21_600].map(|s| Some(Duration::from_secs(s)));
        assert_eq!(waits.get(..5), Some(expected.as_slice()));
        assert_eq!(after(Event::Refused, 6, 0).state, State::Exhausted);
        assert_eq!(
            after(Event::Refused, 1, 255).retry_after,
            Some(Duration::from_secs(66))
        );
        assert_eq!(after(Event::Accepted, 6, 9).state, State::Delivered);
    }
}
