//! One partition's log: segments, indexes, appending, reading, recovery, retention, compaction.
//! Synchronous; knows nothing of topics, groups, sockets or Parquet.

pub mod checkpoint;
mod cold;
mod commit;
pub mod compact;
mod epochs;
pub(crate) mod files;
#[cfg(test)]
mod golden;
mod index;
pub mod metadata_file;
mod names;
mod partition;
mod producers;
mod recover;
mod retain;
mod scan;
mod segment;
mod segments;
mod stop;
mod truncate;

pub use cold::{ColdStore, NoColdStore};
pub use commit::{Commit, Flusher};
pub use epochs::{Epochs, FILE_NAME as EPOCHS_FILE};
pub use index::{OffsetIndex, TimeIndex, TxnIndex, TxnSearch};
pub use partition::{
    Aborted, ActiveProducer, Append, Appended, Chunk, Compacted, Ends, Opened, Partition,
    PartitionOptions, Read, Recovered, SealedSegment,
};
pub use producers::{
    BatchMeta, Completed, LastRecord, Marker, ProducerEntry, ProducerStates, Verdict,
    list_snapshots, parse_snapshot_name, snapshot_path,
};
pub use stop::Stop;

#[cfg(feature = "cli")]
pub(crate) use scan::{Scanner, Step};

#[cfg(test)]
mod tests;
