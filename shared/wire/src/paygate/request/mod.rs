//! Requests.

mod payment;
mod refund;
mod transactions;

pub use self::payment::{CreatePayment, CreatePaymentBody, Payer};
pub use self::refund::RefundPayment;
pub use self::transactions::{Transactions, TransactionsParameters};
