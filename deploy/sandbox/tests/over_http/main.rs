//! The sandbox as a process, spoken to over real HTTP.

mod faults;
mod process;
mod receivers;
mod sandbox;
