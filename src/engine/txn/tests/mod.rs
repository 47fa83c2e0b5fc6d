//! The coordinator alone.

mod errors;
mod model;
mod transcripts;
mod world;
