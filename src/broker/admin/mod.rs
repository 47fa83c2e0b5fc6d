//! The HTTP port: is the process there, is it ready, what does it count.

mod archive;
mod collect;
mod gate;
mod groups;
mod http;
mod logs;
mod page;
mod process;
mod requests;
mod upkeep;

pub(super) use collect::Watched;
pub(super) use http::serve;
