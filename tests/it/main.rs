//! Integration tests: one binary with a module a subject, so that they link once.

// Tests may look at the disk, the clock and threads past the seams, and say what is skipped.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

#[cfg(feature = "archive")]
mod archive;
#[cfg(feature = "archive")]
mod bounded_close;
#[cfg(feature = "broker")]
mod broker;
mod classic_groups;
#[cfg(feature = "cli")]
mod cli;
mod config;
mod consumer;
mod docs;
mod durability;
mod embedded;
mod engine;
mod engine_limits;
mod errors;
mod first_group;
mod hooked;
#[cfg(feature = "broker")]
mod http;
mod kafka;
#[cfg(feature = "cli")]
mod packaging;
mod transactions;
mod vanishing;
