//! Which APIs can be refused, and by whom.

use super::{groups, records, topics, transactions};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::error::{Code, Error, Result};
use crate::protocol::ApiKey;

macro_rules! refusals {
    ($( $api:ident: $refuse:path, )+) => {
        /// By key.
        pub(in crate::broker) const APIS: &[ApiKey] = &[$(ApiKey::$api),+];

        fn answer(call: &Call<'_>, code: i16) -> Result<Answer> {
            let version = call.version();
            match call.header.api {
                $( ApiKey::$api => call.ready(&$refuse(&call.request()?, version, code)), )+
                api => Err(Error::internal(format!("{api} has no refusal"))),
            }
        }
    };
}

refusals! {
    Produce: records::produce,
    Fetch: records::fetch,
    ListOffsets: records::list_offsets,
    Metadata: topics::metadata,
    OffsetCommit: groups::offset_commit,
    OffsetFetch: groups::offset_fetch,
    FindCoordinator: groups::find_coordinator,
    JoinGroup: groups::join_group,
    Heartbeat: groups::heartbeat,
    LeaveGroup: groups::leave_group,
    SyncGroup: groups::sync_group,
    CreateTopics: topics::create_topics,
    DeleteTopics: topics::delete_topics,
    InitProducerId: transactions::init_producer_id,
    AddPartitionsToTxn: transactions::add_partitions,
    AddOffsetsToTxn: transactions::add_offsets,
    EndTxn: transactions::end,
    TxnOffsetCommit: transactions::commit_offsets,
    CreatePartitions: topics::create_partitions,
    ConsumerGroupHeartbeat: groups::consumer_heartbeat,
}

pub(in crate::broker) fn can(api: ApiKey) -> bool {
    APIS.contains(&api)
}

/// Answers with `code`. An error closes the connection, which is all that a producer hears with
/// `acks=0`.
pub(in crate::broker) fn refuse(call: &Call<'_>, code: Code) -> Result<Answer> {
    if call.header.api == ApiKey::Produce && records::wants_no_answer(&call.request()?) {
        return Err(Error::coded(code, "a fault was asked for: acks=0"));
    }
    answer(call, code.number())
}
