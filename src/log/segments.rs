//! The segments of a log in the order of their offsets.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use super::segment::Segment;
use crate::types::Offset;

/// Sorted by base offset; the last one is active. Every question costs O(log segments).
#[derive(Debug, Default)]
pub(super) struct Segments {
    by_base: BTreeMap<Offset, Arc<Segment>>,
    /// Those that may have markers of aborted transactions: few, so that who reads committed records does
    /// not ask each segment up to the end.
    aborting: BTreeSet<Offset>,
}

impl Segments {
    pub(super) fn insert(&mut self, segment: Arc<Segment>) {
        self.aborting.remove(&segment.base);
        self.note_aborted(&segment);
        self.by_base.insert(segment.base, segment);
    }

    pub(super) fn remove(&mut self, base: Offset) -> Option<Arc<Segment>> {
        self.aborting.remove(&base);
        self.by_base.remove(&base)
    }

    /// Its transaction index may have got its first entry.
    pub(super) fn note_aborted(&mut self, segment: &Segment) {
        if !segment.indexes().txn.is_surely_empty() {
            self.aborting.insert(segment.base);
        }
    }

    /// Those from the one that holds `offset` on that may have markers of aborted transactions.
    pub(super) fn aborting_from(&self, offset: Offset) -> impl Iterator<Item = &Arc<Segment>> {
        let start = self.floor(offset).map_or(Offset::ZERO, |s| s.base);
        let bases = self.aborting.range(start..);
        bases.filter_map(|base| self.by_base.get(base))
    }

    pub(super) fn get(&self, base: Offset) -> Option<&Arc<Segment>> {
        self.by_base.get(&base)
    }

    pub(super) fn first(&self) -> Option<&Arc<Segment>> {
        self.by_base.values().next()
    }

    /// The segment with the largest base at or below `offset`.
    pub(super) fn floor(&self, offset: Offset) -> Option<&Arc<Segment>> {
        self.by_base.range(..=offset).next_back().map(|(_, s)| s)
    }

    /// The segment after the one with this base.
    pub(super) fn after(&self, base: Offset) -> Option<&Arc<Segment>> {
        let mut later = self.by_base.range((Excluded(base), Unbounded));
        later.next().map(|(_, s)| s)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Segment>> {
        self.by_base.values()
    }

    /// From the one that holds `offset` on.
    pub(super) fn from(&self, offset: Offset) -> impl Iterator<Item = &Arc<Segment>> {
        let start = self.floor(offset).map_or(Offset::ZERO, |s| s.base);
        self.by_base.range(start..).map(|(_, s)| s)
    }

    /// The segments that lie wholly below `offset`, oldest first; never the last one.
    pub(super) fn below(&self, offset: Offset) -> Vec<Arc<Segment>> {
        let bases = self.by_base.keys().skip(1);
        let ended = bases.take_while(|next| **next <= offset).count();
        self.by_base.values().take(ended).cloned().collect()
    }
}
