//! What was asked for partitions before they were there: sought, paused.

use std::collections::BTreeMap;

use super::Consumer;
use super::assigned::Assigned;
use super::consumer::{State, Wanted};
use super::start::{Begin, SeekTo};
use crate::types::TopicPartition;

/// Kept from subscribing until the first partitions have come.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    seek_all: Option<SeekTo>,
    seeks: BTreeMap<TopicPartition, SeekTo>,
    pause_all: bool,
    pauses: BTreeMap<TopicPartition, bool>,
}

impl Wishes {
    pub(super) fn seek(&mut self, partition: Option<&TopicPartition>, to: SeekTo) {
        match partition {
            Some(name) => drop(self.seeks.insert(name.clone(), to)),
            None => {
                self.seeks.clear();
                self.seek_all = Some(to);
            }
        }
    }

    pub(super) fn pause(&mut self, partition: Option<&TopicPartition>, paused: bool) {
        match partition {
            Some(name) => drop(self.pauses.insert(name.clone(), paused)),
            None => {
                self.pauses.clear();
                self.pause_all = paused;
            }
        }
    }

    /// Partitions by name that will be paused.
    pub(super) fn paused(&self) -> impl Iterator<Item = &TopicPartition> {
        let named = self.pauses.iter().filter(|(_, paused)| **paused);
        named.map(|(name, _)| name)
    }

    /// Gives a partition that has just come what was wished for it.
    pub(super) fn grant(&self, assigned: &mut Assigned) {
        let name = assigned.handle.name();
        if let Some(to) = self.seeks.get(name).copied().or(self.seek_all) {
            assigned.begin = Begin::At(to);
        }
        assigned.paused = self.pauses.get(name).copied().unwrap_or(self.pause_all);
    }
}

impl Consumer {
    /// Whether the first partitions of the subscription have yet to come.
    pub(super) fn awaits_partitions(&self, state: &State) -> bool {
        let subscribed = matches!(state.wanted, Wanted::Topics(_) | Wanted::Pattern(_));
        subscribed
            && match &state.member {
                Some(member) => !member.is_settled(),
                None => state.assigned.is_empty(),
            }
    }

    /// Whether this partition may be among them.
    pub(super) fn awaits(&self, state: &State, partition: &TopicPartition) -> bool {
        let topic = &partition.topic;
        let wanted = match &state.wanted {
            Wanted::Topics(topics) => topics.contains(topic),
            Wanted::Pattern(pattern) => {
                crate::engine::topic_pattern(pattern).is_ok_and(|p| p.is_match(topic))
            }
            Wanted::Partitions(_) | Wanted::Nothing => false,
        };
        wanted
            && self.awaits_partitions(state)
            && !state.assigned.iter().any(|a| a.handle.name() == partition)
    }
}
