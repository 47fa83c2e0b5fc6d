//! Where a consumer stands: positions, seeking, committed offsets, lag.

use std::collections::BTreeMap;

use super::Consumer;
use super::assigned::{Assigned, end_for};
use super::consumer::State;
use crate::engine::groups::Committed;
use crate::error::{Code, Error, Result};
use crate::types::{IsolationLevel, Offset, Timestamp, TopicPartition};

impl Consumer {
    /// The offset of the next record that a poll gives of this partition.
    pub fn position(&self, partition: &TopicPartition) -> Result<Offset> {
        let start = self.options.start;
        self.enter()?.get(partition)?.locate(start)
    }

    /// Goes on at `offset`, which must lie within the log (its end included).
    pub fn seek(&self, partition: &TopicPartition, offset: Offset) -> Result<()> {
        let mut state = self.enter()?;
        let assigned = state.get(partition)?;
        let ends = assigned.handle.ends()?;
        if offset < ends.log_start || offset > ends.visible {
            let (start, end) = (ends.log_start, ends.visible);
            let message = format!(
                "{partition}: offset {offset} is outside of the log, {start} to {end}: seek into it"
            );
            return Err(Error::coded(Code::OffsetOutOfRange, message));
        }
        assigned.seek(offset);
        self.signal.set();
        Ok(())
    }

    /// Takes back records that a poll gave and nobody used: positions go back to `offsets`. Partitions
    /// that are not assigned any more are passed over.
    pub fn rewind(&self, offsets: &BTreeMap<TopicPartition, Offset>) -> Result<()> {
        let mut state = self.enter()?;
        for (partition, offset) in offsets {
            if let Ok(assigned) = state.get(partition) {
                assigned.seek(*offset);
            }
        }
        self.signal.set();
        Ok(())
    }

    /// Goes on at the first record at or after `timestamp`, at the end where there is none. Gives the
    /// offset.
    pub fn seek_to_time(&self, partition: &TopicPartition, timestamp: Timestamp) -> Result<Offset> {
        let mut state = self.enter()?;
        let assigned = state.get(partition)?;
        let found = assigned.handle.log()?.offset_for_time(timestamp)?;
        let offset = match found {
            Some((offset, _)) => offset,
            None => assigned.handle.ends()?.visible,
        };
        assigned.seek(offset);
        self.signal.set();
        Ok(offset)
    }

    /// The first and the next offset of a partition, assigned or not: what may be read.
    pub fn bounds(&self, partition: &TopicPartition) -> Result<(Offset, Offset)> {
        let ends = self
            .engine
            .partition(&partition.topic, partition.partition)?
            .ends()?;
        Ok((ends.log_start, end_for(&ends, self.options.isolation)))
    }

    /// How many offsets lie between the position and the end, for each assigned partition.
    pub fn lag(&self) -> Result<BTreeMap<TopicPartition, i64>> {
        let (start, isolation) = (self.options.start, self.options.isolation);
        let mut state = self.enter()?;
        let mut lags = BTreeMap::new();
        for assigned in &mut state.assigned {
            let position = assigned.locate(start)?;
            let end = end_for(&assigned.handle.ends()?, isolation);
            lags.insert(assigned.handle.name().clone(), end.since(position).max(0));
        }
        Ok(lags)
    }

    /// What the group has committed for `partition`; `None` when nothing, or without a group.
    pub fn committed(&self, partition: &TopicPartition) -> Result<Option<Committed>> {
        let Some(group) = &self.options.group else {
            return Ok(None);
        };
        self.engine.groups().committed(group, partition)
    }

    /// Gives new partitions their committed offset, or the one that `start` says.
    pub(super) fn start_positions(&self, state: &mut State) -> Result<()> {
        for assigned in state.assigned.iter_mut().filter(|a| a.position.is_none()) {
            self.start_position(assigned)?;
        }
        Ok(())
    }

    fn start_position(&self, assigned: &mut Assigned) -> Result<()> {
        if let Some(group) = &self.options.group {
            let (groups, name) = (self.engine.groups(), assigned.handle.name());
            let committed = match self.options.isolation {
                IsolationLevel::ReadUncommitted => groups.committed(group, name),
                IsolationLevel::ReadCommitted => groups.committed_when_stable(group, name),
            };
            let committed = match committed {
                Err(error) if error.code() == Code::UnstableOffsetCommit => {
                    assigned.unstable = true;
                    return Ok(());
                }
                other => other?,
            };
            assigned.unstable = false;
            if let Some(committed) = committed {
                assigned.seek(committed.offset);
                return Ok(());
            }
        }
        if let Some(offset) = self.options.start_offsets.get(assigned.handle.name()) {
            assigned.seek(*offset);
            return Ok(());
        }
        assigned.locate(self.options.start).map(drop)
    }
}
