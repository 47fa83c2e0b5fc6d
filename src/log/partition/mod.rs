//! The face of a partition's log, one file for each thing that can be done with it.

mod append;
mod close;
mod compact;
mod ends;
mod lookup;
mod open;
mod options;
mod producers;
mod read;
mod roll;
mod sealed;
mod state;
mod sync;

pub(in crate::log) use append::aborted;
pub(in crate::log) use open::Writer;
pub use open::{Opened, Partition};
pub use options::{
    Aborted, Append, Appended, Chunk, Compacted, Ends, PartitionOptions, Read, Recovered,
    SealedSegment,
};
pub use producers::ActiveProducer;
pub(in crate::log) use state::State;
