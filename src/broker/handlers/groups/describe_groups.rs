//! DescribeGroups, key 15, versions 0 to 6 (KIP-345, KIP-430, KIP-1043).
//!
//! Groups of the classic protocol. One that is not there, and a consumer group too, is "Dead": an error
//! from version 6 on.

use super::shared::{code, sent, sent_or_null};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::handlers::rights;
use crate::engine::groups::{ClassicDescription, ClassicMemberDescription, GroupState};
use crate::error::{Code, Error, Result};
use crate::protocol::messages::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};

/// The first version in which a group that is not there is an error, and errors have messages.
const ERRORS_FROM: i16 = 6;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: DescribeGroupsRequest<'_> = call.request()?;
    let operations = rights::when(request.include_authorized_operations, rights::GROUP);
    let groups = request.groups.iter().map(|group| {
        let described = call.engine().groups().describe_classic(group);
        let described = described.map_or_else(
            |error| refused(group, &error, call.version()),
            |found| shown(&found),
        );
        DescribedGroup {
            authorized_operations: match described.error_code {
                0 => operations,
                _ => i32::MIN,
            },
            ..described
        }
    });
    call.ready(&DescribeGroupsResponse {
        groups: groups.collect(),
        ..DescribeGroupsResponse::default()
    })
}

fn refused(group: &str, error: &Error, version: i16) -> DescribedGroup<'static> {
    let errors = version >= ERRORS_FROM;
    let absent = error.code() == Code::GroupIdNotFound;
    DescribedGroup {
        error_code: match absent && !errors {
            true => 0,
            false => code(error),
        },
        error_message: errors.then(|| sent(error.message())),
        group_id: sent(group),
        group_state: match absent {
            true => GroupState::Dead.name().into(),
            false => "".into(),
        },
        ..DescribedGroup::default()
    }
}

fn shown(group: &ClassicDescription) -> DescribedGroup<'static> {
    DescribedGroup {
        group_id: sent(&group.id),
        group_state: group.state.name().into(),
        protocol_type: sent(&group.protocol_type),
        protocol_data: sent(&group.protocol),
        members: group.members.iter().map(member).collect(),
        ..DescribedGroup::default()
    }
}

fn member(member: &ClassicMemberDescription) -> DescribedGroupMember<'static> {
    DescribedGroupMember {
        member_id: sent(&member.id),
        group_instance_id: sent_or_null(member.instance_id.as_ref()),
        client_id: sent(&member.client_id),
        client_host: sent(&member.client_host),
        member_metadata: member.subscription.to_vec().into(),
        member_assignment: member.assignment.to_vec().into(),
    }
}
