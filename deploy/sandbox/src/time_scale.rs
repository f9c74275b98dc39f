//! Scales the sandbox's delays, so that tests are faster.

use std::time::Duration;

/// A percentage of the normal delays: at 10, they are ten times shorter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeScale(pub(crate) u16);

impl TimeScale {
    pub(crate) fn apply(self, delay: Duration) -> Duration {
        delay * u32::from(self.0) / 100
    }
}
