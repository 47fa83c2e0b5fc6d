//! What a consumer promises when not everything goes well.

mod commits;
mod listener;
mod positions;
mod support;
mod topics;
