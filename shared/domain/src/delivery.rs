//! Deliveries: the attempts to send one event to one endpoint.

mod excerpt;

use std::time::Duration;

use time::OffsetDateTime;

pub use self::excerpt::{RESPONSE_READ, excerpt};
use crate::event::EventType;
use crate::id::{AttemptId, EventId};

/// Seconds until the next attempt after the first, second, … failed one: 1 min, 5 min, 30 min, 2 h,
/// 6 h.
const RETRIES: [u64; 5] = [60, 300, 1_800, 7_200, 21_600];

/// After this many failures in a row an endpoint is paused.
pub const PAUSE_AFTER: i32 = 5;
/// The first pause of an endpoint. Each failure after it doubles the pause.
pub const PAUSE_MIN: Duration = Duration::from_secs(10);
/// The longest pause of an endpoint.
pub const PAUSE_MAX: Duration = Duration::from_mins(10);
/// An endpoint whose attempts have all failed for this long is disabled.
pub const FAILING_MAX: Duration = Duration::from_hours(5 * 24);
/// The longest wait that a response's `Retry-After` can ask for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);
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
    /// The endpoint was deleted, or disabled for too long; nothing more is sent.
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
    Failed {
        /// How long the response asked to wait.
        retry_after: Option<Duration>,
    },
}

/// What to write after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// The new state.
    pub state: State,
    /// How long to wait before the next attempt, if there is one.
    pub retry_after: Option<Duration>,
}

/// An attempt, as merchants see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// The event that was sent.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: EventType,
    /// Its number, from 1, among the attempts of the delivery.
    pub attempt: u32,
    /// Whether the endpoint accepted it.
    pub succeeded: bool,
    /// The HTTP status, if the endpoint responded.
    pub status: Option<u16>,
    /// Why it did not respond.
    pub error: Option<String>,
    /// How long it took.
    pub duration: Duration,
    /// The beginning of the response's body, as [`excerpt`] makes it.
    pub response: Option<String>,
    /// When the next attempt was due as of this one; `None` if none followed.
    pub next_at: Option<OffsetDateTime>,
    /// When it ended.
    pub at: OffsetDateTime,
}

impl Attempt {
    /// Why it failed, in words.
    pub fn failure(&self) -> Option<String> {
        if self.succeeded {
            return None;
        }
        Some(failure(self.status, self.error.as_deref()))
    }
}

/// Why an attempt failed, in words: the status if there is one, else why there was no response.
pub fn failure(status: Option<u16>, error: Option<&str>) -> String {
    match status {
        Some(status) => format!("the endpoint responded with {status}"),
        None => error.unwrap_or("there was no response").to_owned(),
    }
}

/// When a delivery of this `age` is looked at again while its endpoint is disabled: after a quarter of its age,
/// between one and fifteen minutes. `None`: it is canceled.
pub fn wait_while_disabled(age: Duration) -> Option<Duration> {
    let wait = (age / 4).clamp(Duration::from_mins(1), Duration::from_mins(15));
    (age < DISABLED_MAX).then_some(wait)
}

/// The outcome of attempt number `attempt` (from 1). The wait is the schedule's, or as long as the response
/// asked for, at most [`RETRY_AFTER_MAX`]. `jitter` (0 ..= 255) lengthens it by up to a tenth, so that the
/// backlog of an endpoint is not retried all at the same moment.
pub fn next(event: Event, attempt: u32, jitter: u8) -> Next {
    let ended = |state| Next {
        state,
        retry_after: None,
    };
    let Event::Failed { retry_after } = event else {
        return ended(State::Delivered);
    };
    let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(seconds) = RETRIES.get(index) else {
        return ended(State::Exhausted);
    };
    let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
    let wait = asked.max(Duration::from_secs(*seconds));
    Next {
        state: State::Delivering,
        retry_after: Some(wait + wait / 10 * u32::from(jitter) / 255),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: Event = Event::Failed { retry_after: None };

    #[test]
    fn retries_after_1_5_30_minutes_2_and_6_hours_then_gives_up() {
        let waits: Vec<_> = (1..=6).map(|n| next(FAILED, n, 0).retry_after).collect();
        let expected = [60, 300, 1_800, 7_200, 21_600].map(|s| Some(Duration::from_secs(s)));
        assert_eq!(waits.get(..5), Some(expected.as_slice()));
        assert_eq!(next(FAILED, 6, 0).state, State::Exhausted);
        assert_eq!(
            next(FAILED, 1, 255).retry_after,
            Some(Duration::from_secs(66))
        );
        assert_eq!(next(Event::Accepted, 6, 9).state, State::Delivered);
    }

    #[test]
    fn retry_after_lengthens_the_wait_within_bounds() {
        for (attempt, asked, wait) in [
            (1, 0, Some(60)),
            (1, 59, Some(60)),
            (1, 600, Some(600)),
            (1, 3_600, Some(3_600)),
            (1, u64::MAX, Some(3_600)),
            (3, 600, Some(1_800)),
            (4, u64::MAX, Some(7_200)),
            (6, 600, None),
        ] {
            let retry_after = Some(Duration::from_secs(asked));
            let next = next(Event::Failed { retry_after }, attempt, 0);
            let wait = wait.map(Duration::from_secs);
            assert_eq!(next.retry_after, wait, "{attempt} {asked}");
        }
    }
}
