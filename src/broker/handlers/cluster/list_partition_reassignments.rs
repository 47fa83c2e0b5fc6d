//! ListPartitionReassignments, key 46, version 0 (KIP-455).
//!
//! There is one broker: nothing is ever being moved.

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::error::Result;
use crate::protocol::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let _: ListPartitionReassignmentsRequest<'_> = call.request()?;
    call.ready(&ListPartitionReassignmentsResponse::default())
}
