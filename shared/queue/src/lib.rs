//! The bell: the broker tells a worker at once that a job is due, and an API process that a payment
//! has moved.
//!
//! Everything here may be lost, doubled, late or out of order: the outbox in Postgres is the
//! calendar, and rings again. So rings are dropped while there is no broker, every message is
//! acked once it is settled, several at once, and a session that fails in any way is thrown away and
//! built anew (never recovered by lapin: its consumers stay silent after a graceful stop of the
//! broker).
//!
//! - [`Bell`] rings for workers and sends hints to waiting API processes.
//! - [`Replies`] is an API process's own queue of hints.
//! - [`Listener`] is a worker's queue, as a backend for apalis; [`Settle`] decides what becomes of
//!   each delivery.

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

pub use codec::{DecodeError, decode, encode};
pub use consumer::Consumer;
pub use health::Health;
pub use outcome::{JobMessage, OutcomeLayer, OutcomeService, RecordOutcome};
pub use publisher::Publisher;
pub use queues::{declare, name};
pub use replies::{Replies, Waiter};
