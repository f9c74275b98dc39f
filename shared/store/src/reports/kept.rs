//! How long rows are kept that are deleted at some age. Reports do not miss what is older.

use std::time::Duration;

/// Idempotency keys.
pub const KEYS: Duration = Duration::from_hours(24);

/// The shortest time for events, deliveries and their attempts. Longer than a delivery may take, so that
/// nothing is deleted while it is in progress.
pub const EVENTS: Duration = Duration::from_hours(7 * 24);
