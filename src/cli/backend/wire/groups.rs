//! Groups of a cluster.

use super::topics::Wire;
use crate::cli::backend::facts::{DescribedGroup, ListedGroup, MemberShown, OffsetShown};
use crate::cli::backend::seam::Groups;
use crate::client::{At, Committed};
use crate::error::{Kind, Result};
use crate::types::{IsolationLevel, Offset, TopicPartition};

impl Groups for Wire {
    fn groups(&mut self) -> Result<Vec<ListedGroup>> {
        let groups = self.cluster.groups()?.into_iter();
        let listed = groups.map(|g| ListedGroup {
            group: g.group,
            kind: g.kind,
            state: g.state,
        });
        Ok(listed.collect())
    }

    fn describe_group(&mut self, group: &str) -> Result<DescribedGroup> {
        let described = self.cluster.group(group)?;
        let committed = self.cluster.committed(group)?;
        let places: Vec<_> = committed.iter().map(|c| c.place.clone()).collect();
        let ends = self.ends(&places)?;
        let offsets = committed.into_iter().zip(ends);
        let members = described.members.into_iter().map(|m| MemberShown {
            id: m.id,
            instance_id: m.instance_id,
            client_id: m.client_id,
            host: m.host,
            assigned: m.assigned,
        });
        Ok(DescribedGroup {
            group: group.to_owned(),
            kind: described.kind.to_owned(),
            state: described.state,
            epoch: described.epoch,
            members: members.collect(),
            offsets: offsets
                .map(|(committed, end)| shown(committed, end))
                .collect(),
        })
    }

    fn committed(&mut self, group: &str) -> Result<Vec<(TopicPartition, Offset)>> {
        let found = self.cluster.committed(group)?.into_iter();
        Ok(found.map(|c| (c.place, c.offset)).collect())
    }

    fn reset_group(&mut self, group: &str, offsets: &[(TopicPartition, Offset)]) -> Result<()> {
        self.cluster.reset_group(group, offsets)
    }

    fn delete_group(&mut self, group: &str) -> Result<()> {
        self.cluster.delete_group(group)
    }
}

impl Wire {
    /// The end of each; `None` when the partition is gone. All at once, unless one is.
    fn ends(&mut self, places: &[TopicPartition]) -> Result<Vec<Option<Offset>>> {
        let at = At::Latest(IsolationLevel::ReadUncommitted);
        match (self.cluster.offsets(places, at), places) {
            (Err(error), [_]) if error.kind() == Kind::NotFound => Ok(vec![None]),
            (Err(error), _) if error.kind() == Kind::NotFound => {
                let mut ends = Vec::with_capacity(places.len());
                for place in places {
                    ends.extend(self.ends(std::slice::from_ref(place))?);
                }
                Ok(ends)
            }
            (found, _) => found,
        }
    }
}

fn shown(committed: Committed, end: Option<Offset>) -> OffsetShown {
    OffsetShown {
        topic: committed.place.topic.to_string(),
        partition: committed.place.partition,
        offset: committed.offset.get(),
        end: end.map(Offset::get),
        lag: end.map(|e| e.since(committed.offset).max(0)),
        committed: None,
        metadata: committed.metadata,
    }
}
