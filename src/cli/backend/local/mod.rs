//! A data directory, open in this process.

mod groups;
mod records;
mod topics;

pub use topics::Local;
