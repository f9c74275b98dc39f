//! RabbitMQ: notifies workers at once of jobs that are due, and API processes of payments that have
//! changed.
//!
//! Any message may be lost, duplicated, late or out of order, because the table `jobs` in Postgres is
//! authoritative and the scheduler publishes overdue jobs again. Therefore jobs are not buffered
//! while the broker is down, acks are batched, and a connection that fails in any way is replaced by
//! a new one. (lapin's own recovery is not used: its consumers receive nothing after a graceful stop
//! of the broker.)
//!
//! - [`Publisher`] publishes jobs to workers and replies to waiting API processes.
//! - [`survey`] reads the lengths of all queues, for operators.
//! - [`Replies`] is the reply queue of an API process.
//! - [`Consumer`] is a worker's queue as a backend for apalis; [`RecordOutcome`] stores the outcome
//!   of each message before it is acknowledged.

mod acks;
mod codec;
mod connection;
mod consumer;
mod health;
mod outcome;
mod publish_task;
mod publisher;
mod queues;
mod replies;
mod shares;
mod survey;

pub use codec::{DecodeError, decode, encode};
pub use consumer::Consumer;
pub use health::Health;
pub use outcome::{JobMessage, OutcomeLayer, OutcomeService, RecordOutcome};
pub use publisher::Publisher;
pub use queues::{declare, name};
pub use replies::{Replies, Waiter};
pub use survey::{QueueStatus, SurveyError, survey};
