//! ListGroups, key 16, versions 0 to 5 (KIP-518, KIP-848).
//!
//! Filters name states (version 4) and types (version 5); case does not count, and a name that is not
//! known matches nothing.

use super::shared::{code, sent};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::groups::GroupListing;
use crate::error::Result;
use crate::protocol::messages::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: ListGroupsRequest<'_> = call.request()?;
    let states: Vec<&str> = request.states_filter.iter().map(|name| &**name).collect();
    let types: Vec<&str> = request.types_filter.iter().map(|name| &**name).collect();
    let response = match call.engine().groups().list_of(&states, &types) {
        Ok(groups) => ListGroupsResponse {
            groups: groups.iter().map(listed).collect(),
            ..ListGroupsResponse::default()
        },
        Err(error) => ListGroupsResponse {
            error_code: code(&error),
            ..ListGroupsResponse::default()
        },
    };
    call.ready(&response)
}

fn listed(group: &GroupListing) -> ListedGroup<'static> {
    ListedGroup {
        group_id: sent(&group.id),
        protocol_type: sent(&group.protocol_type),
        group_state: group.state.name().into(),
        group_type: group.kind.name().into(),
    }
}
