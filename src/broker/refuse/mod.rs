//! The answers of APIs that only say an error, with its code wherever Kafka's `getErrorResponse` puts
//! it. For faults that tests ask for: a handler answers its own errors itself.

mod groups;
mod records;
mod table;
#[cfg(test)]
mod tests;
mod topics;
mod transactions;

pub(super) use table::{APIS, can, refuse};
