//! Shares out partitions among members. A pure function of wishes, topics and the target before.

mod mixed;
mod problem;
mod range;
#[cfg(test)]
mod tests;
mod uniform;

pub use problem::{Candidate, Problem, assign};
