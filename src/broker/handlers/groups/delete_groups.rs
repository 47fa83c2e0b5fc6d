//! DeleteGroups, key 42, versions 0 to 3 (KIP-229, KIP-1043).
//!
//! A group that is answered without an error is gone for good: this waits for the disk.

use super::shared::{code, sent};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::error::Result;
use crate::protocol::Str;
use crate::protocol::messages::delete_groups::{
    DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse,
};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: DeleteGroupsRequest<'_> = call.request()?;
    let names = request.groups_names.into_iter();
    call.ready(&DeleteGroupsResponse {
        results: names.map(|name| delete(call, name)).collect(),
        ..DeleteGroupsResponse::default()
    })
}

fn delete<'a>(call: &Call<'_>, group_id: Str<'a>) -> DeletableGroupResult<'a> {
    let deleted = call.engine().groups().delete(&group_id);
    let refused = deleted.err();
    DeletableGroupResult {
        group_id,
        error_code: refused.as_ref().map_or(0, code),
        error_message: refused.as_ref().map(|error| sent(error.message())),
    }
}
