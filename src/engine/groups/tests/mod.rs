//! Stories of groups, told as transcripts.

mod members;
mod offsets;
