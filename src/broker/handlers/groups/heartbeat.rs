//! Heartbeat, key 12, versions 0 to 4 (KIP-345).

use super::shared::{code_of, kept, kept_or_null, must_wait};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::groups::ClassicHeartbeat;
use crate::error::Result;
use crate::protocol::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    if must_wait(call) {
        return Ok(Answer::Blocking);
    }
    let request: HeartbeatRequest<'_> = call.request()?;
    let outcome = call.engine().groups().heartbeat_classic(&ClassicHeartbeat {
        group: kept(&request.group_id),
        member: kept(&request.member_id),
        instance_id: kept_or_null(request.group_instance_id.as_ref()),
        generation: request.generation_id,
    });
    call.ready(&HeartbeatResponse {
        error_code: code_of(&outcome),
        ..HeartbeatResponse::default()
    })
}
