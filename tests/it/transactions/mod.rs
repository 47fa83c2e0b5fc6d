//! Transactions over a whole engine, as a broker would drive it.

mod crashes;
mod embedded;
mod offsets;
mod protocol;
mod stuck;
mod support;

pub use stuck::Stuck;
