//! How fast the sandbox's time runs: its delays in percent.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace(pub(crate) u16);

impl Pace {
    pub(crate) fn of(self, delay: Duration) -> Duration {
        delay * u32::from(self.0) / 100
    }
}
