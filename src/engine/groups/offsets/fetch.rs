//! OffsetFetch.

use std::sync::Arc;

use super::{Committed, OffsetOutcome};
use crate::engine::groups::coordinator::Coordinator;
use crate::engine::groups::join::unknown_member;
use crate::engine::groups::requests::FetchAs;
use crate::error::{Code, Error, Result};

impl Coordinator {
    /// The committed offsets of the partitions named, or of all there are. `None` where nothing is
    /// committed. With `stable`, a partition whose offset an open transaction may change is refused:
    /// `UnstableOffsetCommit`, retry.
    ///
    /// Errors, for all: `UnknownMemberId`, `StaleMemberEpoch`, when asked for a member of a
    /// consumer group; `IllegalGeneration` where it speaks the classic protocol.
    pub fn fetch_offsets(
        &self,
        group_id: &Arc<str>,
        fetch_as: &FetchAs,
        wanted: Option<&[(Arc<str>, i32)]>,
        stable: bool,
    ) -> Result<Vec<OffsetOutcome<Option<Committed>>>> {
        self.may_fetch(group_id, fetch_as)?;
        let group = self.groups.get(group_id);
        let outcome = |topic: &Arc<str>, partition: i32| {
            let place = (group_id.clone(), topic.clone(), partition);
            let found = group.and_then(|g| g.offsets.get(topic, partition));
            OffsetOutcome {
                topic: topic.clone(),
                partition,
                result: match stable && self.pending.is_open(&place) {
                    true => Err(Error::coded(
                        Code::UnstableOffsetCommit,
                        format!("offset of {topic}-{partition} is in an open transaction: retry"),
                    )),
                    false => Ok(found.cloned()),
                },
            }
        };
        if let Some(wanted) = wanted {
            return Ok(wanted.iter().map(|(t, p)| outcome(t, *p)).collect());
        }
        let stored = group.iter().flat_map(|g| g.offsets.iter());
        let mut all: Vec<(Arc<str>, i32)> = stored.map(|(t, p, _)| (t.clone(), p)).collect();
        if stable {
            let open = self.pending.of_group(group_id);
            all.extend(open.map(|(_, topic, partition)| (topic.clone(), *partition)));
            all.sort();
            all.dedup();
        }
        Ok(all.iter().map(|(t, p)| outcome(t, *p)).collect())
    }

    fn may_fetch(&self, group_id: &Arc<str>, fetch_as: &FetchAs) -> Result<()> {
        let FetchAs::Member { id, epoch } = fetch_as else {
            return Ok(());
        };
        // Others have no epochs to compare.
        let group = self.groups.get(group_id);
        let Some(group) = group.and_then(|g| g.consumer.as_ref()) else {
            return Ok(());
        };
        let member = group
            .member(id)
            .ok_or_else(|| unknown_member(group_id, id))?;
        if member.epoch() != *epoch && member.metadata.classic.is_some() {
            let what =
                format!("fetch of member {id} of group {group_id}: it is in another generation");
            return Err(Error::coded(Code::IllegalGeneration, what));
        }
        if member.epoch() != *epoch {
            return Err(Error::coded(
                Code::StaleMemberEpoch,
                format!(
                    "fetch of member {id} of group {group_id}: epoch {epoch} is not the member's, which is {}: heartbeat first",
                    member.epoch()
                ),
            ));
        }
        Ok(())
    }
}
