//! FindCoordinator, key 10, versions 0 to 6 (KIP-98, KIP-699, KIP-890).
//!
//! This broker is the coordinator of every group and every transactional id. Looking for that of a group
//! makes `__consumer_offsets`. Share groups (key type 2, KIP-932) are not served: refused like a type
//! that is not known.

use super::shared::is_prepared;
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::error::{Code, Error, Result};
use crate::protocol::Str;
use crate::protocol::messages::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
/// The first version that asks for several at once.
const SEVERAL_FROM: i16 = 4;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: FindCoordinatorRequest<'_> = call.request()?;
    if request.key_type == GROUP && !is_prepared(call.engine()) && !call.may_block {
        return Ok(Answer::Blocking);
    }
    let checked = check(call, request.key_type);
    if call.version() >= SEVERAL_FROM {
        let keys = request.coordinator_keys.into_iter();
        return call.ready(&FindCoordinatorResponse {
            coordinators: keys.map(|key| found(call, key, &checked)).collect(),
            ..FindCoordinatorResponse::default()
        });
    }
    let one = found(call, request.key, &checked);
    call.ready(&FindCoordinatorResponse {
        error_code: one.error_code,
        error_message: one.error_message,
        node_id: one.node_id,
        host: one.host,
        port: one.port,
        ..FindCoordinatorResponse::default()
    })
}

fn check(call: &Call<'_>, key_type: i8) -> Result<()> {
    match key_type {
        GROUP => call.engine().groups().prepare(),
        TRANSACTION => Ok(()),
        other => {
            let what = format!("there are no coordinators of key type {other}: 0 or 1");
            Err(Error::coded(Code::InvalidRequest, what))
        }
    }
}

fn found<'a>(call: &Call<'a>, key: Str<'a>, checked: &Result<()>) -> Coordinator<'a> {
    let listener = &call.peer.listener;
    match checked {
        Ok(()) => Coordinator {
            key,
            node_id: call.engine().node_id(),
            host: listener.host.as_str().into(),
            port: i32::from(listener.port),
            ..Coordinator::default()
        },
        Err(error) => Coordinator {
            key,
            node_id: -1,
            port: -1,
            error_code: super::shared::code(error),
            error_message: Some(error.message().to_owned().into()),
            ..Coordinator::default()
        },
    }
}
