//! What goes into a partition and what comes out of it: plain data, and the components it is given.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Clock;
use crate::config::TopicConfig;
use crate::disk::Disk;
use crate::log::ColdStore;
use crate::types::{
    IsolationLevel, LeaderEpoch, Offset, ProducerId, Timestamp, TopicId, TopicPartition,
};

/// What opening a partition needs. Clock, disk and cold store are components, the rest is data.
#[derive(Clone, Debug)]
pub struct PartitionOptions {
    pub disk: Arc<dyn Disk>,
    pub clock: Arc<dyn Clock>,
    pub cold: Arc<dyn ColdStore>,
    /// `<data>/<topic>-<partition>`; made when missing.
    pub dir: PathBuf,
    pub name: TopicPartition,
    pub topic_id: TopicId,
    pub config: Arc<TopicConfig>,
    /// The last close was clean: nothing is scanned.
    pub clean: bool,
    /// From the checkpoint: everything below was synced. Offset 0 when unknown.
    pub recovery_point: Offset,
    /// From the checkpoint; `None` when unknown: the base of the first segment.
    pub log_start: Option<Offset>,
}

/// What opening did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    pub scanned_bytes: u64,
    /// Bytes cut from the tail, the file and position of the cut, and why.
    pub cut_bytes: u64,
    pub cut: Option<(PathBuf, u64, String)>,
    /// Damage in what was synced before: file, position and what is wrong. It is kept, never served,
    /// and what lies behind it stays readable.
    pub damaged: Vec<(PathBuf, u64, String)>,
    /// Indexes and snapshots made anew.
    pub rebuilt: Vec<PathBuf>,
}

/// The ends of a log, taken together at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// First offset that may be read, archive included.
    pub log_start: Offset,
    /// First offset on the local disk.
    pub local_start: Offset,
    /// High watermark: consumers read below it.
    pub visible: Offset,
    /// Below it everything is synced.
    pub durable: Offset,
    /// After the last record appended.
    pub appended: Offset,
    /// Read-committed readers read below it. Never above `visible`.
    pub last_stable: Offset,
}

/// What to append.
#[derive(Debug)]
pub struct Append<'a> {
    /// One or more whole batches.
    pub batches: &'a [u8],
    pub leader_epoch: LeaderEpoch,
    /// From a coordinator (control batches, offsets, metadata), not from a client.
    pub internal: bool,
    /// Built by this process: the CRC is not computed again.
    pub trusted: bool,
}

/// Where it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub base_offset: Offset,
    pub last_offset: Offset,
    /// `Timestamp::NONE` unless the topic uses LogAppendTime.
    pub append_time: Timestamp,
    pub log_start: Offset,
    /// All batches were duplicates: nothing was written, these are their old offsets.
    pub duplicate: bool,
    /// A sync is due whoever waits for it: a segment was sealed, or `flush.messages` or `flush.ms`
    /// say so.
    pub flush_due: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Read {
    pub from: Offset,
    pub max_bytes: usize,
    /// Give the first batch even when it is larger than `max_bytes`.
    pub at_least_one: bool,
    pub isolation: IsolationLevel,
}

/// A transaction that was aborted, as a reader must know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Aborted {
    pub producer_id: ProducerId,
    pub first_offset: Offset,
    pub last_offset: Offset,
    pub last_stable: Offset,
}

/// What was read: whole batches (the first may start below `from`), with what a reader needs.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Slices of a mapped segment or of a buffer read; empty at the end of the log.
    pub batches: Bytes,
    pub ends: Ends,
    /// For read-committed only.
    pub aborted: Vec<Aborted>,
}

/// A segment that will never change again.
#[derive(Clone, Debug)]
pub struct SealedSegment {
    pub base_offset: Offset,
    /// After its last record.
    pub next_offset: Offset,
    pub size_bytes: u64,
    pub max_timestamp: Timestamp,
    pub path: PathBuf,
}

/// What a compaction run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    pub segments: usize,
    pub bytes_before: u64,
    pub bytes_after: u64,
    pub records_before: u64,
    pub records_after: u64,
    /// Everything below was cleaned.
    pub clean_until: Offset,
}
