//! How long rows are kept that are deleted at some age. Reports do not miss what is older.

use std::time::Duration;

/// Idempotency keys.
pub const KEYS: Duration = Duration::from_hours(24);

/// Events, deliveries and their attempts: nothing deletes them.
pub const EVENTS: Duration = Duration::from_hours(24 * 36_500);
