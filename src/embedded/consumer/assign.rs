//! What a consumer reads without the help of a group: partitions named by hand, or all of its topics.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Consumer;
use super::assigned::Assigned;
use super::consumer::{State, Wanted};
use super::start::Begin;
use crate::engine::PartitionHandle;
use crate::error::Result;
use crate::types::{TopicId, TopicPartition};

impl Consumer {
    /// Reads these partitions, all of them and alone: no group shares them out. Replaces what was
    /// assigned or subscribed before; positions of partitions that stay are kept.
    ///
    /// Errors: NotFound, and everything is as before.
    pub fn assign(&self, partitions: &[TopicPartition]) -> Result<()> {
        let mut state = self.enter_outside()?;
        let mut named = HashSet::new();
        let mut handles = Vec::new();
        for wanted in partitions.iter().filter(|p| named.insert(*p)) {
            handles.push(self.engine.partition(&wanted.topic, wanted.partition)?);
        }
        self.give_back(&mut state);
        let left = match state.member {
            Some(_) => self.leave(&mut state),
            None => Ok(()),
        };
        state.wanted = Wanted::Partitions(handles.iter().map(|h| h.name().clone()).collect());
        state.resolved = None;
        self.hold(&mut state, handles);
        self.signal.set();
        left
    }

    /// Without a group: the partitions that are wanted, looked up when the metadata changed. A topic
    /// that was made again is another one, read from its own beginning.
    pub(super) fn resolve(&self, state: &mut State) -> Result<()> {
        let version = self.engine.metadata_version();
        if state.member.is_some() || state.resolved == Some(version) {
            return Ok(());
        }
        let handles = match &state.wanted {
            Wanted::Topics(topics) => self.partitions_of(topics),
            Wanted::Pattern(pattern) => {
                let internal = !self.options.exclude_internal;
                self.partitions_of(&self.engine.topics_matching(pattern, internal)?)
            }
            Wanted::Partitions(names) => self.partitions_named(names, state),
            Wanted::Nothing => return Ok(()),
        };
        self.hold(state, handles);
        state.resolved = Some(version);
        Ok(())
    }

    fn partitions_of(&self, topics: &[Arc<str>]) -> Vec<Arc<PartitionHandle>> {
        let found = topics
            .iter()
            .filter_map(|name| self.engine.topic(name).ok());
        found.flat_map(|t| t.partitions().to_vec()).collect()
    }

    /// Where the topic is gone, the old handle stays: reading it says so.
    fn partitions_named(
        &self,
        names: &[TopicPartition],
        state: &State,
    ) -> Vec<Arc<PartitionHandle>> {
        let of_now = |name: &TopicPartition| self.engine.partition(&name.topic, name.partition);
        let held = |name: &TopicPartition| {
            let mut assigned = state.assigned.iter();
            assigned.find(|a| a.handle.name() == name)
        };
        names
            .iter()
            .filter_map(|name| match of_now(name) {
                Ok(handle) => Some(handle),
                Err(_) => held(name).map(|a| a.handle.clone()),
            })
            .collect()
    }

    /// Reads these partitions and no others; those that stay keep their positions.
    fn hold(&self, state: &mut State, handles: Vec<Arc<PartitionHandle>>) {
        let before = std::mem::take(&mut state.assigned);
        let mut before: HashMap<(TopicId, i32), Assigned> = before
            .into_iter()
            .map(|a| (identity(&a.handle), a))
            .collect();
        for handle in handles {
            match before.remove(&identity(&handle)) {
                Some(kept) => state.assigned.push(kept),
                None => self.take_on(state, handle),
            }
        }
        before.values().for_each(Assigned::stop_waiting);
        state.turn = 0;
        if !state.assigned.is_empty() {
            state.wishes = super::wishes::Wishes::default();
        }
    }

    /// Adds a partition. Offsets that were given to begin at are of the first topic of its name.
    pub(super) fn take_on(&self, state: &mut State, handle: Arc<PartitionHandle>) {
        let id = handle.topic_id();
        let first = state
            .topics
            .entry(handle.name().topic.clone())
            .or_insert(id);
        let given = self.options.start_offsets.get(handle.name());
        let given = given.copied().filter(|_| *first == id);
        let mut assigned = Assigned::new(handle, Begin::Usual { given });
        state.wishes.grant(&mut assigned);
        state.assigned.push(assigned);
        state.has_new = true;
    }

    /// Looks up where new partitions begin, all at one moment. One that cannot say it now is asked
    /// again when its turn to be read comes, and its error is told there.
    pub(super) fn start_new(&self, state: &mut State) {
        if !std::mem::take(&mut state.has_new) {
            return;
        }
        for assigned in &mut state.assigned {
            if let Err(error) = assigned.locate(self) {
                tracing::debug!(partition = %assigned.handle.name(), %error, "no beginning yet");
            }
        }
    }

    /// Whether the partition's topic is no more.
    pub(super) fn is_gone(&self, assigned: &Assigned) -> bool {
        let found = self.engine.topic_by_id(assigned.handle.topic_id());
        found.is_err_and(|e| e.kind() == crate::Kind::NotFound)
    }
}

fn identity(handle: &PartitionHandle) -> (TopicId, i32) {
    (handle.topic_id(), handle.name().partition)
}
