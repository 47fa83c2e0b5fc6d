//! `levada dump`: what stands in a file, in words.

mod command;
mod derived;
mod log;

pub use command::Dump;
