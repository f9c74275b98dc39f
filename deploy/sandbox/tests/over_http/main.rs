//! Tests of the sandbox as a process, over HTTP.

mod faults;
mod process;
mod receivers;
mod sandbox;
