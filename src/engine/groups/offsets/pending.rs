//! Offsets committed in transactions that are still open (KIP-447).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Committed;
use crate::engine::groups::coordinator::Coordinator;
use crate::engine::groups::partitions::offsets_partition;
use crate::types::ProducerId;

/// Group, topic, partition.
pub type Place = (Arc<str>, Arc<str>, i32);

#[derive(Debug, Default, PartialEq)]
pub struct PendingOffsets {
    producers: BTreeMap<ProducerId, BTreeMap<Place, (Committed, u64)>>,
    /// Made of the above: which producers hold a place open.
    places: BTreeMap<Place, BTreeSet<ProducerId>>,
}

impl PendingOffsets {
    pub fn put(&mut self, producer: ProducerId, place: Place, value: Committed, order: u64) {
        let holders = self.places.entry(place.clone()).or_default();
        holders.insert(producer);
        let offsets = self.producers.entry(producer).or_default();
        offsets.insert(place, (value, order));
    }

    fn end(
        &mut self,
        producer: ProducerId,
        mine: impl Fn(&str) -> bool,
    ) -> BTreeMap<Place, (Committed, u64)> {
        let all = self.producers.remove(&producer).unwrap_or_default();
        let (offsets, others): (BTreeMap<_, _>, _) =
            all.into_iter().partition(|(place, _)| mine(&place.0));
        if !others.is_empty() {
            self.producers.insert(producer, others);
        }
        for place in offsets.keys() {
            if let Some(holders) = self.places.get_mut(place) {
                holders.remove(&producer);
                if holders.is_empty() {
                    self.places.remove(place);
                }
            }
        }
        offsets
    }

    /// Removes what open transactions hold at a place whose offset was deleted.
    pub fn forget(&mut self, place: &Place) {
        for producer in self.places.remove(place).unwrap_or_default() {
            if let Some(offsets) = self.producers.get_mut(&producer) {
                offsets.remove(place);
                if offsets.is_empty() {
                    self.producers.remove(&producer);
                }
            }
        }
    }

    pub fn is_open(&self, place: &Place) -> bool {
        self.places.contains_key(place)
    }

    /// The places of a group that are held open.
    pub fn of_group<'a>(&'a self, group: &'a Arc<str>) -> impl Iterator<Item = &'a Place> {
        let first: Place = (group.clone(), Arc::from(""), i32::MIN);
        self.places
            .range(first..)
            .map(|(place, _)| place)
            .take_while(move |place| place.0 == *group)
    }
}

impl Coordinator {
    /// Ends a producer's transaction: its offsets count, or are forgotten. Call it when the marker is
    /// in the group's partition of `__consumer_offsets`, and when the log is replayed at the marker.
    /// Gives the number of offsets that were waiting.
    pub fn complete_transaction(&mut self, producer: ProducerId, commit: bool) -> usize {
        self.complete(producer, commit, |_| true)
    }

    /// As [`Coordinator::complete_transaction`], of the groups alone that partition `partition` of
    /// `partitions` holds: a marker says nothing of other partitions, which have their own, and whose
    /// log may be at a later transaction already while this one is replayed.
    pub fn complete_transaction_in(
        &mut self,
        producer: ProducerId,
        commit: bool,
        (partition, partitions): (i32, i32),
    ) -> usize {
        let mine = |group: &str| offsets_partition(group, partitions) == partition;
        self.complete(producer, commit, mine)
    }

    fn complete(
        &mut self,
        producer: ProducerId,
        commit: bool,
        mine: impl Fn(&str) -> bool,
    ) -> usize {
        let offsets = self.pending.end(producer, mine);
        let count = offsets.len();
        if commit {
            for ((group, topic, partition), (value, order)) in offsets {
                let group = self.groups.entry(group).or_default();
                group.offsets.set(&topic, partition, Some(value), order);
            }
        }
        count
    }
}
