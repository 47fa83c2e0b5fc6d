//! The `levada` command, driven as a user does: the real binary, its output and exit status.

mod archive;
mod check;
mod dump;
mod groups;
mod records;
mod scan;
pub mod serve;
mod support;
mod topics;
