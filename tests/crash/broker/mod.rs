//! SIGKILL for a broker under idempotent and transactional load over sockets.
//!
//! Clients do what real ones do when their connection breaks: they come again, with the same sequence
//! numbers. What must hold: nothing acknowledged is lost, doubled or reordered; nothing aborted is given
//! to a reader of committed records; the offsets in a group are those of the last transaction that
//! committed.

mod client;
mod killed;
mod plain;
mod reader;
mod server;
mod transactional;
