//! Requests.

mod amount;
mod payment;
mod refund;
mod token;

pub use self::amount::{AmountBody, RefundAmountBody};
pub use self::payment::{CreatePayment, CreatePaymentBody};
pub use self::refund::{RefundBody, RefundPayment};
pub use self::token::{GetToken, TokenBody};
