//! Moves one member one step towards its target (KIP-848): first it gives up what it must, then it
//! gets what is free, and what others still hold comes later. So no partition ever has two readers.

use std::collections::BTreeSet;

use super::group::ConsumerGroup;
use super::member::{Member, MemberState};
use super::partitions::{Assignment, Held, holds, overlaps};
use super::records::CurrentAssignment;
use super::topics::TopicsView;
use crate::error::{Code, Error, Result};
use crate::types::TopicId;

/// What a step needs to know beside the member.
pub struct Step<'a> {
    pub group: &'a ConsumerGroup,
    pub topics: &'a dyn TopicsView,
    /// What the member says it holds; `None` when it did not say.
    pub owned: Option<&'a Assignment>,
}

/// The difference between what a member has and should have.
#[derive(Default)]
struct Difference {
    keep: Held,
    revoke: Held,
    take: Held,
    /// Some of the target is still held by others.
    waits: bool,
}

impl Step<'_> {
    /// The member's next current assignment, `None` when it stays.
    ///
    /// Errors: `FencedMemberEpoch` for a member in a state that a newer version wrote.
    pub fn next(&self, id: &str, member: &Member) -> Result<Option<CurrentAssignment>> {
        let target_epoch = self.group.target_epoch();
        let next = match member.current.state {
            MemberState::Stable if member.epoch() == target_epoch => return Ok(None),
            MemberState::UnrevokedPartitions if self.still_owns(member.pending_revocation()) => {
                self.revoke_unwanted(member)
            }
            MemberState::Unknown if self.owned.is_none_or(|owned| !owned.is_empty()) => {
                return Err(Error::coded(
                    Code::FencedMemberEpoch,
                    format!("member {id} is in a state that a newer version wrote: join again"),
                ));
            }
            _ => self.towards_target(id, member),
        };
        // A step that leads nowhere is not written: only the previous epoch would differ.
        let moves = next.epoch != member.epoch()
            || next.state != member.current.state
            || next.assigned != *member.assigned()
            || next.pending_revocation != *member.pending_revocation();
        Ok(Some(next).filter(|_| moves))
    }

    /// A member that does not say what it holds may still hold everything.
    fn still_owns(&self, held: &Held) -> bool {
        self.owned.is_none_or(|owned| overlaps(held, owned))
    }

    fn is_wanted(&self, member: &Member, topic: TopicId) -> bool {
        let name = self.topics.name_of(topic);
        name.is_some_and(|name| self.group.wants(member, &name))
    }

    /// While the member still gives up partitions: what it does not want any more goes with them.
    fn revoke_unwanted(&self, member: &Member) -> CurrentAssignment {
        let mut next = member.current.clone();
        for (topic, partitions) in member.assigned() {
            if !self.is_wanted(member, *topic) {
                next.assigned.remove(topic);
                let revoke = next.pending_revocation.entry(*topic).or_default();
                revoke.extend(partitions);
            }
        }
        next
    }

    fn towards_target(&self, id: &str, member: &Member) -> CurrentAssignment {
        let difference = self.difference(id, member);
        let target_epoch = self.group.target_epoch();
        if !difference.revoke.is_empty() && self.still_owns(&difference.revoke) {
            return CurrentAssignment {
                state: MemberState::UnrevokedPartitions,
                assigned: difference.keep,
                pending_revocation: difference.revoke,
                epoch: member.epoch(),
                previous_epoch: member.epoch(),
            };
        }
        let mut assigned = difference.keep;
        for (topic, partitions) in difference.take {
            assigned.entry(topic).or_default().extend(partitions);
        }
        CurrentAssignment {
            epoch: target_epoch,
            previous_epoch: member.epoch(),
            state: match difference.waits {
                true => MemberState::UnreleasedPartitions,
                false => MemberState::Stable,
            },
            assigned,
            pending_revocation: Held::new(),
        }
    }

    fn difference(&self, id: &str, member: &Member) -> Difference {
        let none = BTreeSet::new();
        let empty = Assignment::new();
        let target = self.group.target(id).map_or(&empty, |t| t.as_ref());
        let mut difference = Difference::default();
        let topics: BTreeSet<TopicId> = target
            .keys()
            .chain(member.assigned().keys())
            .copied()
            .collect();
        for topic in topics {
            let target = match self.is_wanted(member, topic) {
                true => target.get(&topic).unwrap_or(&none),
                false => &none,
            };
            for (partition, epoch) in member.assigned().get(&topic).into_iter().flatten() {
                let into = match target.contains(partition) {
                    true => &mut difference.keep,
                    false => &mut difference.revoke,
                };
                into.entry(topic).or_default().insert(*partition, *epoch);
            }
            for partition in target {
                if holds(member.assigned(), topic, *partition) {
                    continue;
                }
                // What the member itself is giving up it may take back: nobody else had it since.
                let owner = self.group.owner(topic, *partition);
                if owner.is_some_and(|owner| owner.as_ref() != id) {
                    difference.waits = true;
                } else {
                    let take = difference.take.entry(topic).or_default();
                    take.insert(*partition, self.group.target_epoch());
                }
            }
        }
        difference
    }
}
