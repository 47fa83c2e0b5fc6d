//! Where a consumer stands: positions, seeking, committed offsets, lag.

use std::collections::BTreeMap;

use super::Consumer;
use super::assigned::end_for;
use super::start::SeekTo;
use crate::engine::groups::Committed;
use crate::error::Result;
use crate::types::{Offset, Timestamp, TopicPartition};

impl Consumer {
    /// The offset of the next record that a poll or an iteration gives of this partition.
    pub fn position(&self, partition: &TopicPartition) -> Result<Offset> {
        let mut state = self.enter()?;
        self.resolve(&mut state)?;
        let unused = self.ahead.lock().unused();
        let assigned = state.get(partition)?;
        match unused.get(partition).filter(|place| place.is_of(assigned)) {
            Some(place) => Ok(place.offset),
            None => assigned.locate(self),
        }
    }

    /// Goes on at `offset`, which must lie within the log (its end included).
    pub fn seek(&self, partition: &TopicPartition, offset: Offset) -> Result<()> {
        self.seek_to(Some(partition), SeekTo::Offset(offset))
    }

    /// Goes on at `to`, in one partition or in all. Before the first partitions of a subscription have
    /// come, it is kept for them, and whether it lies within the log is seen when they are read.
    ///
    /// Errors: OutOfRange; NotFound when the partition is not this consumer's.
    pub fn seek_to(&self, partition: Option<&TopicPartition>, to: SeekTo) -> Result<()> {
        let mut state = self.enter_at_rest()?;
        let seen = self.options.isolation;
        match partition {
            Some(name) if self.awaits(&state, name) => state.wishes.seek(Some(name), to),
            Some(name) => {
                let assigned = state.get(name)?;
                let offset = to.find(&assigned.handle, seen)?;
                assigned.seek(offset);
            }
            None => {
                let found = state.assigned.iter().map(|a| to.find(&a.handle, seen));
                let found: Vec<Offset> = found.collect::<Result<_>>()?;
                if self.awaits_partitions(&state) {
                    state.wishes.seek(None, to);
                }
                for (assigned, offset) in state.assigned.iter_mut().zip(found) {
                    assigned.seek(offset);
                }
            }
        }
        self.ahead.lock().sought(partition);
        self.signal.set();
        Ok(())
    }

    /// Goes on at the first record at or after `timestamp`, at the end where there is none. Gives the
    /// offset.
    pub fn seek_to_time(&self, partition: &TopicPartition, timestamp: Timestamp) -> Result<Offset> {
        let mut state = self.enter_at_rest()?;
        let assigned = state.get(partition)?;
        let offset = SeekTo::Time(timestamp).find(&assigned.handle, self.options.isolation)?;
        assigned.seek(offset);
        self.ahead.lock().sought(Some(partition));
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
        let mut state = self.enter()?;
        self.resolve(&mut state)?;
        let unused = self.ahead.lock().unused();
        let mut lags = BTreeMap::new();
        for assigned in &mut state.assigned {
            let name = assigned.handle.name().clone();
            let position = match unused.get(&name).filter(|place| place.is_of(assigned)) {
                Some(place) => place.offset,
                None => assigned.locate(self)?,
            };
            let end = end_for(&assigned.handle.ends()?, self.options.isolation);
            lags.insert(name, end.since(position).max(0));
        }
        Ok(lags)
    }

    /// What the group has committed for `partition`; `None` when nothing, or without a group.
    pub fn committed(&self, partition: &TopicPartition) -> Result<Option<Committed>> {
        let Some(group) = &self.options.group else {
            return Ok(None);
        };
        let topic = self.engine.topic(&partition.topic);
        let committed = self.engine.groups().committed(group, partition)?;
        Ok(committed.filter(|c| topic.as_ref().map_or(true, |t| c.is_of(t.id()))))
    }
}
