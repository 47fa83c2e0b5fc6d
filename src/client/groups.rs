//! Groups: who is in them, how far they are, moving and deleting them.

use std::collections::BTreeMap;

use super::cluster::{Again, Cluster, To};
use super::connection::Answer;
use super::errors;
use crate::error::{Code, Error, Result};
use crate::protocol::messages::consumer_group_describe as modern;
use crate::protocol::messages::consumer_protocol::ConsumerProtocolAssignment;
use crate::protocol::messages::delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse};
use crate::protocol::messages::describe_groups as classic;
use crate::protocol::messages::list_groups::{ListGroupsRequest, ListGroupsResponse};
use crate::protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse,
};
use crate::protocol::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchResponse,
};
use crate::protocol::{ApiKey, Str, read_blob};
use crate::types::{Offset, TopicPartition};

/// The last versions that go by the names of topics: ids of topics that are gone have no name.
const NAMES_VERSION: i16 = 9;

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedGroup {
    pub group: String,
    /// `consumer`, `classic` or another of Kafka's types; empty where the broker does not tell.
    pub kind: String,
    pub state: String,
}

/// A group and its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub kind: &'static str,
    pub state: String,
    /// `None` for a classic group, whose generation brokers do not tell.
    pub epoch: Option<i32>,
    pub members: Vec<GroupMember>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    pub id: String,
    pub instance_id: Option<String>,
    pub client_id: String,
    pub host: String,
    /// Topics with their partitions, ascending.
    pub assigned: BTreeMap<String, Vec<i32>>,
}

/// What a group has committed for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    pub place: TopicPartition,
    pub offset: Offset,
    pub metadata: String,
}

impl Cluster {
    /// The groups of every broker, by name.
    pub fn groups(&mut self) -> Result<Vec<ListedGroup>> {
        self.refresh(&[])?;
        let nodes: Vec<i32> = self.brokers.keys().copied().collect();
        let mut all = BTreeMap::new();
        for node in nodes {
            let build = |_| ListGroupsRequest::default();
            let found = self.call(To::Node(node), Again::Always, build, |answer| {
                let response: ListGroupsResponse<'_> = answer.read()?;
                errors::check(response.error_code, None, answer.peer())?;
                let groups = response.groups.iter().map(|g| ListedGroup {
                    group: g.group_id.to_string(),
                    kind: g.group_type.to_lowercase(),
                    state: g.group_state.to_string(),
                });
                Ok(groups.collect::<Vec<_>>())
            })?;
            all.extend(found.into_iter().map(|g| (g.group.clone(), g)));
        }
        Ok(all.into_values().collect())
    }

    /// Errors: NotFound.
    pub fn group(&mut self, group: &str) -> Result<Group> {
        let to = To::Coordinator(group);
        if self.knows(to, ApiKey::ConsumerGroupDescribe)? {
            let build = |_| modern::ConsumerGroupDescribeRequest {
                group_ids: vec![group.into()],
                ..modern::ConsumerGroupDescribeRequest::default()
            };
            match self.call(to, Again::Always, build, |answer| described(group, answer)) {
                // It may be a classic one.
                Err(error) if error.code() == Code::GroupIdNotFound => {}
                other => return other,
            }
        }
        let build = |_| classic::DescribeGroupsRequest {
            groups: vec![group.into()],
            ..classic::DescribeGroupsRequest::default()
        };
        self.call(to, Again::Always, build, |answer| {
            described_classic(group, answer)
        })
    }

    /// Everything that a group has committed; nothing when there is no such group.
    pub fn committed(&mut self, group: &str) -> Result<Vec<Committed>> {
        let build = |version| {
            let mut request = OffsetFetchRequest::default();
            match version {
                8.. => {
                    request.groups = vec![OffsetFetchRequestGroup {
                        group_id: group.into(),
                        ..OffsetFetchRequestGroup::default()
                    }];
                }
                _ => request.group_id = group.into(),
            }
            request
        };
        let to = To::Coordinator(group);
        let read = |answer: &Answer| offsets(group, answer);
        let mut found = self.call_up_to(NAMES_VERSION, to, Again::Always, build, read)?;
        found.sort_by(|a, b| a.place.cmp(&b.place));
        Ok(found)
    }

    /// Commits offsets for a group without members.
    ///
    /// Errors: Conflict when it has members.
    pub fn reset_group(&mut self, group: &str, offsets: &[(TopicPartition, Offset)]) -> Result<()> {
        self.commit(group, "", -1, offsets)
    }

    /// Commits offsets as the member says.
    pub(super) fn commit(
        &mut self,
        group: &str,
        member: &str,
        epoch: i32,
        offsets: &[(TopicPartition, Offset)],
    ) -> Result<()> {
        let build = |_| {
            let mut topics: Vec<OffsetCommitRequestTopic<'_>> = Vec::new();
            for (place, offset) in offsets {
                let partition = OffsetCommitRequestPartition {
                    partition_index: place.partition,
                    committed_offset: offset.get(),
                    committed_metadata: Some(Str::default()),
                    ..OffsetCommitRequestPartition::default()
                };
                match topics.iter_mut().find(|t| t.name == *place.topic) {
                    Some(topic) => topic.partitions.push(partition),
                    None => topics.push(OffsetCommitRequestTopic {
                        name: (*place.topic).into(),
                        partitions: vec![partition],
                        ..OffsetCommitRequestTopic::default()
                    }),
                }
            }
            OffsetCommitRequest {
                group_id: group.into(),
                generation_id_or_member_epoch: epoch,
                member_id: member.into(),
                topics,
                ..OffsetCommitRequest::default()
            }
        };
        // The same offsets again are the same commit.
        let to = To::Coordinator(group);
        self.call_up_to(NAMES_VERSION, to, Again::Always, build, |answer| {
            let response: OffsetCommitResponse<'_> = answer.read()?;
            for topic in &response.topics {
                for part in &topic.partitions {
                    let place = format_args!(
                        "commit of group {group} for {}-{}",
                        topic.name, part.partition_index
                    );
                    errors::check(part.error_code, None, place)?;
                }
            }
            Ok(())
        })
    }

    /// Errors: NotFound; Conflict when it has members.
    pub fn delete_group(&mut self, group: &str) -> Result<()> {
        let build = |_| DeleteGroupsRequest {
            groups_names: vec![group.into()],
        };
        self.call(To::Coordinator(group), Again::Unsent, build, |answer| {
            let response: DeleteGroupsResponse<'_> = answer.read()?;
            response.results.iter().try_for_each(|r| {
                let place = format_args!("group {group}");
                errors::check(r.error_code, r.error_message.as_deref(), place)
            })
        })
    }
}

fn missing(group: &str) -> Error {
    let code = Code::GroupIdNotFound.number();
    errors::refused(code, None, format_args!("group {group}"))
}

fn described(group: &str, answer: &Answer) -> Result<Group> {
    let response: modern::ConsumerGroupDescribeResponse<'_> = answer.read()?;
    let found = response.groups.first().ok_or_else(|| missing(group))?;
    let message = found.error_message.as_deref();
    errors::check(found.error_code, message, format_args!("group {group}"))?;
    let members = found.members.iter().map(|m| GroupMember {
        id: m.member_id.to_string(),
        instance_id: m.instance_id.as_ref().map(ToString::to_string),
        client_id: m.client_id.to_string(),
        host: m.client_host.to_string(),
        assigned: assigned(
            m.assignment
                .topic_partitions
                .iter()
                .map(|t| (&t.topic_name, &t.partitions)),
        ),
    });
    Ok(Group {
        kind: "consumer",
        state: found.group_state.to_string(),
        epoch: Some(found.group_epoch),
        members: members.collect(),
    })
}

fn described_classic(group: &str, answer: &Answer) -> Result<Group> {
    let response: classic::DescribeGroupsResponse<'_> = answer.read()?;
    let found = response.groups.first().ok_or_else(|| missing(group))?;
    let message = found.error_message.as_deref();
    errors::check(found.error_code, message, format_args!("group {group}"))?;
    // What older brokers say of a group that is not there.
    if found.group_state == "Dead" {
        return Err(missing(group));
    }
    let mut members = Vec::with_capacity(found.members.len());
    for member in &found.members {
        // Empty until the group has agreed, and of another form in groups that are not of consumers.
        let blob = &member.member_assignment;
        let is_plain = found.protocol_type == "consumer" && !blob.is_empty();
        let assignment: ConsumerProtocolAssignment<'_> = match is_plain {
            true => read_blob(blob)?,
            false => ConsumerProtocolAssignment::default(),
        };
        let topics = assignment.assigned_partitions.iter();
        members.push(GroupMember {
            id: member.member_id.to_string(),
            instance_id: member.group_instance_id.as_ref().map(ToString::to_string),
            client_id: member.client_id.to_string(),
            host: member.client_host.to_string(),
            assigned: assigned(topics.map(|t| (&t.topic, &t.partitions))),
        });
    }
    Ok(Group {
        kind: "classic",
        state: found.group_state.to_string(),
        epoch: None,
        members,
    })
}

fn assigned<'x>(
    topics: impl Iterator<Item = (&'x Str<'x>, &'x Vec<i32>)>,
) -> BTreeMap<String, Vec<i32>> {
    let mut all: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    for (topic, partitions) in topics {
        let of = all.entry(topic.to_string()).or_default();
        of.extend(partitions);
        of.sort_unstable();
    }
    all
}

fn offsets(group: &str, answer: &Answer) -> Result<Vec<Committed>> {
    let response: OffsetFetchResponse<'_> = answer.read()?;
    let label = format_args!("offsets of group {group}");
    errors::check(response.error_code, None, label)?;
    let mut found = Vec::new();
    let mut keep = |topic: &str, partition, code, offset, metadata: Option<&str>| {
        let place = TopicPartition::new(topic, partition);
        errors::check(
            code,
            None,
            format_args!("offset of group {group} for {place}"),
        )?;
        if offset >= 0 {
            found.push(Committed {
                place,
                offset: Offset(offset),
                metadata: metadata.unwrap_or_default().to_owned(),
            });
        }
        Ok::<(), Error>(())
    };
    for topic in &response.topics {
        for p in &topic.partitions {
            let metadata = p.metadata.as_deref();
            keep(
                &topic.name,
                p.partition_index,
                p.error_code,
                p.committed_offset,
                metadata,
            )?;
        }
    }
    for of_group in &response.groups {
        if of_group.error_code == Code::GroupIdNotFound.number() {
            continue;
        }
        errors::check(of_group.error_code, None, label)?;
        for topic in &of_group.topics {
            for p in &topic.partitions {
                let metadata = p.metadata.as_deref();
                keep(
                    &topic.name,
                    p.partition_index,
                    p.error_code,
                    p.committed_offset,
                    metadata,
                )?;
            }
        }
    }
    Ok(found)
}
