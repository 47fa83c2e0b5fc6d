//! Where a partition begins that has no position yet.

use super::Consumer;
use super::assigned::end_for;
use super::options::Start;
use crate::engine::PartitionHandle;
use crate::error::{Code, Error, Result};
use crate::types::{IsolationLevel, Offset, Timestamp};

/// A place in a partition, by offset or by what lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekTo {
    /// It must lie within the log, its end included.
    Offset(Offset),
    /// The first record there is.
    Beginning,
    /// Behind the last record there is.
    End,
    /// The first record at or after this moment; the end when there is none.
    Time(Timestamp),
}

impl SeekTo {
    /// Errors: OutOfRange for an offset outside of the log.
    pub(super) fn find(self, handle: &PartitionHandle, seen: IsolationLevel) -> Result<Offset> {
        let log = handle.log()?;
        let ends = log.ends();
        match self {
            SeekTo::Offset(offset) if offset < ends.log_start || offset > ends.visible => {
                let (name, start, end) = (handle.name(), ends.log_start, ends.visible);
                let message = format!(
                    "{name}: offset {offset} is outside of the log, {start} to {end}: seek into it"
                );
                Err(Error::coded(Code::OffsetOutOfRange, message))
            }
            SeekTo::Offset(offset) => Ok(offset),
            SeekTo::Beginning => Ok(ends.log_start),
            SeekTo::End => Ok(end_for(&ends, seen)),
            SeekTo::Time(moment) => {
                let found = log.offset_for_time(moment)?;
                Ok(found.map_or(end_for(&ends, seen), |(offset, _)| offset))
            }
        }
    }
}

/// What decides where a partition begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Begin {
    /// What the group has committed, else the offset that was given for it, else `auto.offset.reset`.
    Usual { given: Option<Offset> },
    /// It was sought to before the partition was there.
    At(SeekTo),
}

impl Begin {
    /// Looks at the group and the log each time: nothing of an earlier failure is remembered.
    ///
    /// Errors: OutOfRange (no offset, and `auto.offset.reset=none`; a given one outside of the log);
    /// UnstableOffsetCommit, for a read-committed reader, while a transaction that is open may change
    /// what the group has committed (KIP-447).
    pub(super) fn find(self, consumer: &Consumer, handle: &PartitionHandle) -> Result<Offset> {
        let seen = consumer.options.isolation;
        let given = match self {
            Begin::At(to) => return to.find(handle, seen),
            Begin::Usual { given } => given,
        };
        if let Some(group) = &consumer.options.group {
            let (groups, name) = (consumer.engine.groups(), handle.name());
            let committed = match seen {
                IsolationLevel::ReadUncommitted => groups.committed(group, name),
                IsolationLevel::ReadCommitted => groups.committed_when_stable(group, name),
            };
            if let Some(committed) = committed?.filter(|c| c.is_of(handle.topic_id())) {
                return Ok(committed.offset);
            }
        }
        if let Some(offset) = given {
            return SeekTo::Offset(offset).find(handle, seen);
        }
        let to = match consumer.options.start {
            Start::Earliest => SeekTo::Beginning,
            Start::Latest => SeekTo::End,
            Start::Time(moment) => SeekTo::Time(moment),
            Start::Fail => {
                let message = format!(
                    "{}: no committed offset, and auto.offset.reset is none: seek, or commit one",
                    handle.name()
                );
                return Err(Error::coded(Code::OffsetOutOfRange, message));
            }
        };
        to.find(handle, seen)
    }
}
