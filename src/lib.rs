//! Levada: a Kafka-compatible streaming engine that you can import.
//!
//! The layers, from the bottom; imports point down only (`tests/tidy` holds that):
//! `error types sync clock metrics thread disk codec config` · `record` · `log protocol` · `archive` · `engine` ·
//! `embedded client` · `broker` · `cli`.

// Tests may look at the disk and the clock past the seams; the library itself is checked without them.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod clock;
pub mod codec;
pub mod config;
pub mod disk;
pub mod error;
pub mod metrics;
pub mod sync;
pub mod thread;
pub mod types;

pub mod record;

pub mod log;
pub mod protocol;

#[cfg(feature = "archive")]
pub mod archive;

pub mod engine;

pub mod embedded;

#[cfg(feature = "client")]
pub mod client;

#[cfg(feature = "broker")]
pub mod broker;

#[cfg(feature = "cli")]
pub mod cli;

pub use error::{Error, Kind, Result};
