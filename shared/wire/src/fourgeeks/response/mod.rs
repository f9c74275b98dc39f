//! Responses.

mod customer;
#[cfg(test)]
pub(crate) mod examples;
mod payment;
mod refund;
mod row;
mod session;

pub use self::customer::{Customer, CustomerPage, CustomerRow, Customers};
pub use self::payment::{Created, Payment, PublicPayment, Started, Status};
pub use self::refund::{ChargeRefund, Refund, Refunds};
pub use self::row::{Booked, Exchange, PaymentRow, RowStatus, list};
pub use self::session::{Session, SessionCreated};

use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

const SECONDS: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const MICROSECONDS: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

fn written(time: OffsetDateTime, format: StaticFormatDescription) -> String {
    let utc = time.to_offset(time::UtcOffset::UTC);
    utc.format(format).unwrap_or_default()
}

/// Formats a time as `2025-12-04T10:30:00Z`, without fractional seconds.
fn seconds(time: OffsetDateTime) -> String {
    written(time, SECONDS)
}

/// Formats a time as `2025-11-04T14:33:25.690012Z`.
fn microseconds(time: OffsetDateTime) -> String {
    written(time, MICROSECONDS)
}
