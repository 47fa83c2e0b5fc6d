//! ConsumerGroupDescribe, key 69, versions 0 and 1 (KIP-848, KIP-1099).
//!
//! A group of the classic protocol is not found here, as in Kafka.

use super::shared::{code, sent, sent_or_null};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::handlers::rights;
use crate::engine::Engine;
use crate::engine::groups::{self, GroupDescription, GroupType, MemberDescription};
use crate::error::{Code, Error, Result};
use crate::protocol::messages::consumer_group_describe::{
    Assignment, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribedGroup,
    Member, TopicPartitions,
};

/// How a member speaks (version 1).
const CLASSIC: i8 = 0;
const CONSUMER: i8 = 1;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: ConsumerGroupDescribeRequest<'_> = call.request()?;
    let operations = rights::when(request.include_authorized_operations, rights::GROUP);
    let engine = call.engine();
    let groups = request.group_ids.iter().map(|id| match find(engine, id) {
        Ok(group) => DescribedGroup {
            authorized_operations: operations,
            ..shown(engine, &group)
        },
        Err(error) => DescribedGroup {
            error_code: code(&error),
            error_message: Some(sent(error.message())),
            group_id: id.clone(),
            ..DescribedGroup::default()
        },
    });
    call.ready(&ConsumerGroupDescribeResponse {
        groups: groups.collect(),
        ..ConsumerGroupDescribeResponse::default()
    })
}

fn find(engine: &Engine, id: &str) -> Result<GroupDescription> {
    let group = engine.groups().describe(id)?;
    match group.kind {
        GroupType::Consumer => Ok(group),
        GroupType::Classic => {
            let what = format!("group {id} is not a consumer group");
            Err(Error::coded(Code::GroupIdNotFound, what))
        }
    }
}

fn shown(engine: &Engine, group: &GroupDescription) -> DescribedGroup<'static> {
    DescribedGroup {
        group_id: sent(&group.id),
        group_state: group.state.name().into(),
        group_epoch: group.epoch,
        assignment_epoch: group.target_epoch,
        assignor_name: sent(&group.assignor),
        members: group.members.iter().map(|m| member(engine, m)).collect(),
        ..DescribedGroup::default()
    }
}

fn member(engine: &Engine, member: &MemberDescription) -> Member<'static> {
    Member {
        member_id: sent(&member.id),
        instance_id: sent_or_null(member.instance_id.as_ref()),
        rack_id: sent_or_null(member.rack_id.as_ref()),
        member_epoch: member.epoch,
        client_id: sent(&member.client_id),
        client_host: sent(&member.client_host),
        subscribed_topic_names: member.topics.iter().map(|name| sent(name)).collect(),
        subscribed_topic_regex: sent_or_null(member.regex.as_ref()),
        assignment: named(engine, &member.assigned),
        target_assignment: named(engine, &member.target),
        member_type: match member.is_classic {
            true => CLASSIC,
            false => CONSUMER,
        },
    }
}

/// With the names of the topics; one that is gone by now is left out.
fn named(engine: &Engine, assignment: &groups::Assignment) -> Assignment<'static> {
    let topics = assignment.iter().filter_map(|(topic_id, partitions)| {
        let topic = engine.topic_by_id(*topic_id).ok()?;
        Some(TopicPartitions {
            topic_id: *topic_id,
            topic_name: sent(topic.name()),
            partitions: partitions.iter().copied().collect(),
        })
    });
    Assignment {
        topic_partitions: topics.collect(),
    }
}
