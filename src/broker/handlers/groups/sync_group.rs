//! SyncGroup, key 14, versions 0 to 5 (KIP-345, KIP-559).
//!
//! Answered when the leader has shared out.

use super::shared::{STOPPED, answer, channel, code, kept, kept_or_null, must_wait, sent_or_null};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::groups::{SyncAnswer, SyncRequest};
use crate::error::{Code, Result};
use crate::protocol::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};

/// From this version on a member names the protocol that it was told.
const PROTOCOL_FROM: i16 = 5;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    if must_wait(call) {
        return Ok(Answer::Blocking);
    }
    let request: SyncGroupRequest<'_> = call.request()?;
    let unnamed = request.protocol_type.is_none() || request.protocol_name.is_none();
    if call.version() >= PROTOCOL_FROM && unnamed {
        return call.ready(&refused(Code::InconsistentGroupProtocol.number()));
    }
    let assignments = request.assignments.iter();
    let wish = SyncRequest {
        group: kept(&request.group_id),
        member: kept(&request.member_id),
        instance_id: kept_or_null(request.group_instance_id.as_ref()),
        generation: request.generation_id,
        protocol_type: kept_or_null(request.protocol_type.as_ref()),
        protocol: kept_or_null(request.protocol_name.as_ref()),
        assignments: assignments
            .map(|given| (kept(&given.member_id), (*given.assignment).into()))
            .collect(),
    };
    let (reply, answered) = channel();
    call.engine().groups().sync(&wish, reply);
    let context = call.context.clone();
    call.reply().later(async move {
        match answer(&context, answered).await {
            Some(Ok(synced)) => response(&synced),
            Some(Err(error)) => refused(code(&error)),
            None => refused(STOPPED),
        }
    })
}

fn response(synced: &SyncAnswer) -> SyncGroupResponse<'static> {
    SyncGroupResponse {
        protocol_type: sent_or_null(synced.protocol_type.as_ref()),
        protocol_name: sent_or_null(synced.protocol.as_ref()),
        assignment: synced.assignment.to_vec().into(),
        ..SyncGroupResponse::default()
    }
}

fn refused(error_code: i16) -> SyncGroupResponse<'static> {
    SyncGroupResponse {
        error_code,
        ..SyncGroupResponse::default()
    }
}
