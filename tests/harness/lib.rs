//! The harness: one whole gateway of real processes for each test, over a database, a virtual host
//! and a sandbox acquirer of its own.
//!
//! ```no_run
//! # async fn test() -> anyhow::Result<()> {
//! let gateway = tests::Gateway::start().await?;
//! let paid = gateway.pay(tests::cards::APPROVED).await?;
//! assert_eq!(paid.body["status"], "succeeded");
//! gateway.finish().await
//! # }
//! ```
//!
//! No test sleeps: [`until`] polls until a deadline, [`Gateway::drain`] until no work is left, and
//! [`Gateway::advance`] lets time pass in the database. Every test ends with [`Gateway::finish`],
//! which fails on leftovers. [`run_cases!`] runs several cases over one gateway. [`cards`] names the
//! test cards, and SQL is behind methods of [`Gateway`].

mod acquirer;
pub mod cards;
mod cases;
mod control;
mod gateway;
mod http;
mod jobs;
mod obstacles;
mod operator;
mod options;
mod process;
mod receiver;
mod rows;
mod stores;
mod wait;

pub use acquirer::Record;
pub use cases::Cases;
pub use gateway::Gateway;
pub use http::{Endpoint, Response, example};
pub use obstacles::{Interrupted, Lock};
pub use operator::Ran;
pub use options::Options;
pub use process::{Process, binary};
pub use receiver::{Behaviour, Receiver, Request};
pub use rows::{
    Delivery, DeliveryAttempt, JobRow, Payment, RefundRow, begins_with_time, payment_id,
};
pub use stores::{Store, Stores, stores_sh};
pub use wait::until;
