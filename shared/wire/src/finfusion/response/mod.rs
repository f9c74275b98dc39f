//! Responses.

mod amount;
mod attempt;
mod customer;
mod endpoint;
mod list;
mod payment;
mod refund;

pub use self::amount::Amount;
pub use self::attempt::{WebhookAttempt, WebhookDelivery};
pub use self::customer::Customer;
pub use self::endpoint::{DeletedEndpoint, Endpoint};
pub use self::list::List;
pub use self::payment::Payment;
pub use self::refund::Refund;
