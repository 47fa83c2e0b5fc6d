//! `liblevada`: the engine behind a C ABI. `include/levada.h` is made from the documentation of the functions
//! here; a test compares the two.
//!
//! Rules that hold everywhere: a function that can fail gives a status and, last, takes a place for an error
//! object. Places for answers are written on success alone. NULL, freed handles and handles of another kind
//! are refused. Nothing unwinds into C, nothing is printed, no bad call ends the process.
#![allow(unsafe_code, non_camel_case_types, missing_debug_implementations)]

mod arg;
mod enter;
mod fork;
mod handle;

pub mod archive;
pub mod arrow;
pub mod batch;
pub mod commit;
pub mod consumer;
pub mod database;
pub mod delivery;
pub mod error;
pub mod group;
pub mod headers;
pub mod library;
pub mod log;
pub mod position;
pub mod positions;
pub mod producer;
pub mod rebalance;
pub mod reports;
pub mod scan;
pub mod server;
pub mod stats;
pub mod status;
pub mod text;
pub mod topic;
pub mod transaction;
pub mod writer;
