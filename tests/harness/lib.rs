//! The harness: one whole gateway for each test, of the real processes, over a database, a broker's
//! virtual host and a sandbox acquirer of its own.
//!
//! ```no_run
//! # async fn story() -> anyhow::Result<()> {
//! let gateway = tests::Gateway::start().await?;
//! let paid = gateway.pay(tests::cards::APPROVED).await?;
//! assert_eq!(paid.body["status"], "succeeded");
//! gateway.finish().await
//! # }
//! ```
//!
//! Nothing sleeps to wait: [`until`] looks again and again until a deadline, and
//! [`Gateway::settle`] until nothing is left to do. [`Gateway::advance`] lets time pass in the
//! database. Every story ends with [`Gateway::finish`], for which leftovers are a failure.

mod acquirer;
pub mod cards;
mod cases;
mod control;
mod gateway;
mod http;
mod jobs;
mod obstacles;
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
pub use options::Options;
pub use process::{Process, binary};
pub use receiver::{Behaviour, Receiver, Request};
pub use rows::{Delivery, DeliveryAttempt, JobRow, Payment, RefundRow, payment_id};
pub use stores::{Store, Stores, stores_sh};
pub use wait::until;
