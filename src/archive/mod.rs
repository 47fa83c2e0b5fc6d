//! Sealed segments as Parquet: writing, catalog, reading back record-exactly, scanning.

pub mod arrow;
mod catalog;
mod compare;
mod layout;
mod partition;
mod read;
pub mod scan;
pub mod store;
pub mod verify;
mod write;

#[cfg(test)]
mod tests;

pub use catalog::ArchivedFile;
pub use partition::{PartitionArchive, Retain, Retained, remove_topic};
pub use read::ReadCache;
pub use write::Segment;
