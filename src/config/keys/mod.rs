//! THE table: every setting there is, one entry each. What checks, documents or lists settings reads
//! it; a new setting is one entry here and a field where it is used.

mod broker;
mod consumer;
mod key;
mod producer;
mod server;
mod table;
mod topic;

pub use key::{Effect, Key, Scope, Synonym, Type, Unit, Valid};
pub use table::{find, keys};
