//! A cluster, over the wire.

mod groups;
mod records;
mod topics;

pub use topics::Wire;
