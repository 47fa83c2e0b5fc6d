//! Work in the background: one scheduler, one thread, one job at a time a partition.

mod jobs;
mod scheduler;

pub use jobs::{Job, JobReport, MoveOut};
pub use scheduler::Upkeep;
pub(super) use scheduler::start;
