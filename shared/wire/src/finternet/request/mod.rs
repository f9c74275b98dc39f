//! Requests.

mod card;
mod intent;
mod list;
mod refund;

pub use card::{CardPaymentBody, PayersCard, card};
pub use intent::{CancelBody, CreateIntent, IntentBody, cancel};
pub use list::{
    IntentsParameters, LedgerEntries, LedgerEntriesParameters, RefundsParameters, intents, refunds,
};
pub use refund::{RefundBody, RefundIntent};
