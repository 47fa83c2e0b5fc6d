//! One file an API, one row each in [`TABLE`]. A handler reads its request, has the engine do it, and
//! answers.

mod begin;
mod cluster;
mod configs;
pub(super) mod epochs;
mod groups;
mod once;
mod records;
mod rights;
mod table;
mod topics;
mod transactions;

pub(super) use begin::{Begun, begin, peek};
pub(super) use table::TABLE;
