//! Responses.

mod amount;
mod customer;
mod endpoint;
mod list;
mod payment;
mod refund;

pub use self::amount::Amount;
pub use self::customer::Customer;
pub use self::endpoint::{DeletedEndpoint, Endpoint};
pub use self::list::List;
pub use self::payment::Payment;
pub use self::refund::Refund;

use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

const SECONDS: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// Formats a time as `2024-03-15T10:30:00Z`, without fractional seconds.
fn at(time: OffsetDateTime) -> String {
    time.to_offset(time::UtcOffset::UTC)
        .format(SECONDS)
        .unwrap_or_default()
}
