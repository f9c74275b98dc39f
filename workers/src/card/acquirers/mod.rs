//! The acquirers, one file each.

pub mod sandbox;
