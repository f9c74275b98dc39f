//! Requests.

mod payment;
mod refund;
mod transactions;

pub use self::payment::{CreatePayment, CreatePaymentBody, Customer};
pub use self::refund::{RefundBody, RefundPayment};
pub use self::transactions::{Transactions, TransactionsParameters};
