//! What was acknowledged survives: processes killed at random moments, and a disk that fails, forgets
//! and tears by seed. `LEVADA_CRASH_ROUNDS`, `LEVADA_CRASH_BROKER_ROUNDS` and `LEVADA_CRASH_SEEDS`
//! change how many; the defaults are what a release must pass.
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr)] // a test owns its process

#[cfg(feature = "cli")]
mod broker;
mod killed;
mod ledger;
mod power;
mod workload;
