//! Sets of partitions, and which partition of `__consumer_offsets` holds a group.

use std::collections::{BTreeMap, BTreeSet};

use crate::types::TopicId;

/// Partitions by topic. No topic stands in it with an empty set.
pub type Assignment = BTreeMap<TopicId, BTreeSet<i32>>;

/// Partitions that a member holds, each with the group epoch at which it was given to it
/// (KIP-1251), [`UNKNOWN_EPOCH`] where an older record did not say.
pub type Held = BTreeMap<TopicId, BTreeMap<i32, i32>>;

pub const UNKNOWN_EPOCH: i32 = -1;

/// How many partitions stand in `assignment`.
pub fn count(assignment: &Assignment) -> usize {
    assignment.values().map(BTreeSet::len).sum()
}

/// The same partitions without their epochs.
pub fn without_epochs(held: &Held) -> Assignment {
    held.iter()
        .filter(|(_, partitions)| !partitions.is_empty())
        .map(|(topic, partitions)| (*topic, partitions.keys().copied().collect()))
        .collect()
}

pub fn holds(held: &Held, topic: TopicId, partition: i32) -> bool {
    held.get(&topic).is_some_and(|p| p.contains_key(&partition))
}

/// Whether every partition of `part` is held.
pub fn covers(held: &Held, part: &Assignment) -> bool {
    part.iter().all(|(topic, partitions)| {
        partitions
            .iter()
            .all(|partition| holds(held, *topic, *partition))
    })
}

/// Whether `held` and `other` share a partition.
pub fn overlaps(held: &Held, other: &Assignment) -> bool {
    other.iter().any(|(topic, partitions)| {
        partitions
            .iter()
            .any(|partition| holds(held, *topic, *partition))
    })
}

/// Which partition of `__consumer_offsets` holds `group`: Java's `String.hashCode` (over UTF-16
/// units) with the sign bit cleared, modulo `partitions` (`offsets.topic.num.partitions`).
pub fn offsets_partition(group: &str, partitions: i32) -> i32 {
    let hash = group.encode_utf16().fold(0i32, |h, unit| {
        h.wrapping_mul(31).wrapping_add(i32::from(unit))
    });
    // Kafka's `Utils.abs` maps the smallest integer to 0, all others to their magnitude.
    let magnitude = if hash == i32::MIN { 0 } else { hash.abs() };
    magnitude % partitions.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_lie_where_kafka_puts_them() {
        // "polygenelubricants".hashCode() is Integer.MIN_VALUE, the case that `abs` gets wrong.
        assert_eq!(offsets_partition("polygenelubricants", 50), 0);
        // "hello".hashCode() = 99162322; "".hashCode() = 0.
        assert_eq!(offsets_partition("hello", 50), 22);
        assert_eq!(offsets_partition("", 50), 0);
        // U+1F600 is two UTF-16 units: 55357 * 31 + 56832 = 1772899.
        assert_eq!(offsets_partition("\u{1F600}", 50), 1_772_899 % 50);
    }
}
