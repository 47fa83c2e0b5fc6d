//! Groups of a data directory.

use super::topics::Local;
use crate::cli::backend::facts::{DescribedGroup, ListedGroup, MemberShown, OffsetShown};
use crate::cli::backend::seam::Groups;
use crate::cli::time;
use crate::engine::groups::OffsetCommit;
use crate::error::{Kind, Result};
use crate::types::{Offset, TopicPartition};

impl Groups for Local<'_> {
    fn groups(&mut self) -> Result<Vec<ListedGroup>> {
        let groups = self.db.engine().groups().list()?;
        let listed = groups.iter().map(|g| ListedGroup {
            group: g.id.to_string(),
            kind: g.kind.name().to_owned(),
            state: g.state.name().to_owned(),
        });
        Ok(listed.collect())
    }

    fn describe_group(&mut self, group: &str) -> Result<DescribedGroup> {
        let engine = self.db.engine();
        let described = engine.groups().describe(group)?;
        let mut offsets = Vec::new();
        for outcome in engine.groups().fetch(group, None)? {
            let Some(committed) = outcome.result? else {
                continue;
            };
            let end = match engine.partition(&outcome.topic, outcome.partition) {
                Ok(handle) => Some(handle.ends()?.visible),
                Err(error) if error.kind() == Kind::NotFound => None,
                Err(error) => return Err(error),
            };
            offsets.push(OffsetShown {
                topic: outcome.topic.to_string(),
                partition: outcome.partition,
                offset: committed.offset.get(),
                end: end.map(|e| e.get()),
                lag: end.map(|e| e.since(committed.offset).max(0)),
                committed: Some(time::format(committed.committed_at)),
                metadata: committed.metadata.to_string(),
            });
        }
        let members = described.members.iter().map(|m| MemberShown {
            id: m.id.to_string(),
            instance_id: m.instance_id.as_ref().map(ToString::to_string),
            client_id: m.client_id.to_string(),
            host: m.client_host.to_string(),
            assigned: m
                .assigned
                .iter()
                .map(|(id, partitions)| {
                    let topic = engine.topic_by_id(*id);
                    let name = topic.map_or_else(|_| id.to_string(), |t| t.name().to_string());
                    (name, partitions.iter().copied().collect())
                })
                .collect(),
        });
        Ok(DescribedGroup {
            group: group.to_owned(),
            kind: described.kind.name().to_owned(),
            state: described.state.name().to_owned(),
            epoch: Some(described.epoch),
            members: members.collect(),
            offsets,
        })
    }

    fn committed(&mut self, group: &str) -> Result<Vec<(TopicPartition, Offset)>> {
        self.db.engine().groups().committed_offsets(group)
    }

    fn reset_group(&mut self, group: &str, offsets: &[(TopicPartition, Offset)]) -> Result<()> {
        let commits = offsets
            .iter()
            .map(|(place, offset)| OffsetCommit::new(&*place.topic, place.partition, *offset));
        let groups = self.db.engine().groups();
        groups.reset(group, commits.collect()).map(drop)
    }

    fn delete_group(&mut self, group: &str) -> Result<()> {
        self.db.engine().groups().delete(group)
    }
}
