//! JoinGroup, key 11, versions 0 to 9 (KIP-62, KIP-345, KIP-394, KIP-559, KIP-800, KIP-814).
//!
//! Answered when the rebalance ends. Reasons that members give (version 8) are logged only.

use super::shared::{
    STOPPED, answer, channel, code, kept, kept_or_null, millis, must_wait, sent, sent_or_null,
};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::groups::{JoinAnswer, JoinRequest};
use crate::error::Result;
use crate::protocol::messages::join_group::{
    JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember,
};

/// The first version that names how long a member may take to join again.
const REBALANCE_TIMEOUT_FROM: i16 = 1;
/// The first version whose clients know `MemberIdRequired`.
const ID_FIRST_FROM: i16 = 4;
/// The first version in which the name of the protocol may be null.
const NO_PROTOCOL_FROM: i16 = 7;
const SKIP_ASSIGNMENT_FROM: i16 = 9;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    if must_wait(call) {
        return Ok(Answer::Blocking);
    }
    let request: JoinGroupRequest<'_> = call.request()?;
    let version = call.version();
    if let Some(reason) = request
        .reason
        .as_deref()
        .filter(|reason| !reason.is_empty())
    {
        let (group, member) = (&request.group_id, &request.member_id);
        tracing::debug!(%group, %member, reason, "a member joins");
    }
    let member = sent(&request.member_id);
    let (reply, answered) = channel();
    call.engine().groups().join(wish(call, &request), reply);
    let context = call.context.clone();
    call.reply().later(async move {
        let response = match answer(&context, answered).await {
            Some(joined) => response(joined, version),
            None => JoinGroupResponse {
                error_code: STOPPED,
                member_id: member,
                ..JoinGroupResponse::default()
            },
        };
        named(response, version)
    })
}

fn wish(call: &Call<'_>, request: &JoinGroupRequest<'_>) -> JoinRequest {
    let version = call.version();
    let rebalance_timeout_ms = match version < REBALANCE_TIMEOUT_FROM {
        true => request.session_timeout_ms,
        false => request.rebalance_timeout_ms,
    };
    let protocols = request.protocols.iter();
    JoinRequest {
        group: kept(&request.group_id),
        member: kept(&request.member_id),
        instance_id: kept_or_null(request.group_instance_id.as_ref()),
        client_id: kept(call.client_id()),
        client_host: call.peer.host.clone(),
        session_timeout: millis(request.session_timeout_ms),
        rebalance_timeout: millis(rebalance_timeout_ms),
        protocol_type: kept(&request.protocol_type),
        protocols: protocols
            .map(|protocol| (kept(&protocol.name), (*protocol.metadata).into()))
            .collect(),
        needs_id_first: version >= ID_FIRST_FROM,
        may_skip_assignment: version >= SKIP_ASSIGNMENT_FROM,
        ..JoinRequest::default()
    }
}

fn response(joined: JoinAnswer, version: i16) -> JoinGroupResponse<'static> {
    let members = joined.members.into_iter();
    JoinGroupResponse {
        error_code: joined.error.as_ref().map_or(0, code),
        generation_id: joined.generation,
        protocol_type: sent_or_null(joined.protocol_type.as_ref()),
        protocol_name: sent_or_null(joined.protocol.as_ref()),
        leader: sent(&joined.leader),
        skip_assignment: joined.skip_assignment && version >= SKIP_ASSIGNMENT_FROM,
        member_id: sent(&joined.member),
        members: members
            .map(|member| JoinGroupResponseMember {
                member_id: sent(&member.id),
                group_instance_id: sent_or_null(member.instance_id.as_ref()),
                metadata: member.subscription.to_vec().into(),
            })
            .collect(),
        ..JoinGroupResponse::default()
    }
}

/// Older versions have an empty name where newer ones have none.
fn named(mut response: JoinGroupResponse<'static>, version: i16) -> JoinGroupResponse<'static> {
    if version < NO_PROTOCOL_FROM {
        response.protocol_name.get_or_insert_default();
    }
    response
}
