//! Times in ISO 8601, in UTC.

use time::format_description::StaticFormatDescription;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

const SECONDS: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const MICROSECONDS: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

fn written(time: OffsetDateTime, format: StaticFormatDescription) -> String {
    let utc = time.to_offset(UtcOffset::UTC);
    utc.format(format).unwrap_or_default()
}

/// Formats a time as `2025-12-04T10:30:00Z`, without fractional seconds.
pub fn seconds(time: OffsetDateTime) -> String {
    written(time, SECONDS)
}

/// Formats a time as `2025-11-04T14:33:25.690012Z`.
pub fn microseconds(time: OffsetDateTime) -> String {
    written(time, MICROSECONDS)
}
