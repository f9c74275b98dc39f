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
