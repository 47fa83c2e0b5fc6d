//! Tests of the partition as a whole.

mod basics;
mod compaction;
mod costs;
mod lookups;
mod model;
mod recovery;
mod settling;
mod starts;
mod support;
mod threads;
