//! Deliveries: the attempts to send one event to one endpoint.

use std::time::Duration;

/// Seconds until the next attempt after the first, second, … failed one: 1 min, 5 min, 30 min, 2 h,
/// 6 h.
const RETRIES: [u64; 5] = [60, 300, 1_800, 7_200, 21_600];

/// After this many failures in a row an endpoint is paused.
pub const PAUSE_AFTER: i32 = 5;
/// The first pause of an endpoint. Each failure after it doubles the pause.
pub const PAUSE_MIN: Duration = Duration::from_secs(10);
/// The longest pause of an endpoint.
pub const PAUSE_MAX: Duration = Duration::from_mins(10);
/// A delivery to a disabled endpoint waits this long for the endpoint to become active; then it is canceled.
pub const DISABLED_MAX: Duration = Duration::from_hours(5 * 24);

/// How long a delivery may be in progress before `sluice verify` reports it: longer than all retries, and
/// than [`DISABLED_MAX`].
pub const IN_PROGRESS_MAX: Duration = Duration::from_hours(6 * 24);

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// In progress; the webhook worker makes the next attempt when it is due.
    Delivering,
    /// The endpoint responded with 2xx.
    Delivered,
    /// Every attempt failed; nothing more is sent.
    Exhausted,
    /// The merchant deleted the endpoint, or disabled it for too long; nothing more is sent.
    Canceled,
}

names!(State {
    Delivering = "delivering",
    Delivered = "delivered",
    Exhausted = "exhausted",
    Canceled = "canceled",
});

/// The result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The endpoint responded with 2xx in time.
    Accepted,
    /// Anything else: another status, a timeout, a connection error.
    Failed,
}

/// What to write after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// The new state.
    pub state: State,
    /// How long to wait before the next attempt, if there is one.
    pub retry_after: Option<Duration>,
}

/// When a delivery of this `age` is looked at again while its endpoint is disabled: after a quarter of its age,
/// between one and fifteen minutes. `None`: it is canceled.
pub fn wait_while_disabled(age: Duration) -> Option<Duration> {
    let wait = (age / 4).clamp(Duration::from_mins(1), Duration::from_mins(15));
    (age < DISABLED_MAX).then_some(wait)
}

/// The outcome of attempt number `attempt` (from 1). `jitter` (0 ..= 255) lengthens the wait by up
/// to a tenth, so that the backlog of an endpoint is not retried all at the same moment.
pub fn next(event: Event, attempt: u32, jitter: u8) -> Next {
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
    fn retries_after_1_5_30_minutes_2_and_6_hours_then_gives_up() {
        let waits: Vec<_> = (1..=6)
            .map(|n| next(Event::Failed, n, 0).retry_after)
            .collect();
        let expected = [60, 300, 1_800, 7_200, 21_600].map(|s| Some(Duration::from_secs(s)));
        assert_eq!(waits.get(..5), Some(expected.as_slice()));
        assert_eq!(next(Event::Failed, 6, 0).state, State::Exhausted);
        assert_eq!(
            next(Event::Failed, 1, 255).retry_after,
            Some(Duration::from_secs(66))
        );
        assert_eq!(next(Event::Accepted, 6, 9).state, State::Delivered);
    }
}
