//! LeaveGroup, key 13, versions 0 to 5 (KIP-345, KIP-800).
//!
//! Before version 3 one member leaves, and its outcome is that of the request. Reasons (version 5) are
//! logged only.

use super::shared::{code, code_of, kept, kept_or_null, must_wait, sent, sent_or_null};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::groups::{ClassicLeave, Leaver, LeaverOutcome};
use crate::error::Result;
use crate::protocol::messages::leave_group::{
    LeaveGroupRequest, LeaveGroupResponse, MemberResponse,
};

/// The first version in which several may leave.
const SEVERAL_FROM: i16 = 3;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    if must_wait(call) {
        return Ok(Answer::Blocking);
    }
    let request: LeaveGroupRequest<'_> = call.request()?;
    let single = call.version() < SEVERAL_FROM;
    let outcome = call.engine().groups().leave_classic(&ClassicLeave {
        group: kept(&request.group_id),
        members: leavers(&request, single),
    });
    let response = match outcome {
        Err(error) => LeaveGroupResponse {
            error_code: code(&error),
            ..LeaveGroupResponse::default()
        },
        Ok(outcomes) if single => LeaveGroupResponse {
            error_code: outcomes.first().map_or(0, |one| code_of(&one.result)),
            ..LeaveGroupResponse::default()
        },
        Ok(outcomes) => LeaveGroupResponse {
            members: outcomes.iter().map(member).collect(),
            ..LeaveGroupResponse::default()
        },
    };
    call.ready(&response)
}

fn leavers(request: &LeaveGroupRequest<'_>, single: bool) -> Vec<Leaver> {
    if single {
        return vec![Leaver {
            member: kept(&request.member_id),
            instance_id: None,
        }];
    }
    let group = &request.group_id;
    let members = request.members.iter();
    let leaver = members.map(|leaver| {
        if let Some(reason) = leaver.reason.as_deref().filter(|reason| !reason.is_empty()) {
            let member = &leaver.member_id;
            tracing::debug!(%group, %member, reason, "a member leaves");
        }
        Leaver {
            member: kept(&leaver.member_id),
            instance_id: kept_or_null(leaver.group_instance_id.as_ref()),
        }
    });
    leaver.collect()
}

fn member(outcome: &LeaverOutcome) -> MemberResponse<'static> {
    MemberResponse {
        member_id: sent(&outcome.leaver.member),
        group_instance_id: sent_or_null(outcome.leaver.instance_id.as_ref()),
        error_code: code_of(&outcome.result),
    }
}
