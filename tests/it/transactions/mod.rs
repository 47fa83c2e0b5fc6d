//! Transactions over a whole engine, as a broker would drive it.

mod crashes;
mod offsets;
mod protocol;
mod stuck;
mod support;
