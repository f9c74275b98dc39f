//! What `sluice verify` finds in the sandbox's log, and how it reports.
