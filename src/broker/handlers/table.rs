//! THE table: what is served, and by whom. ApiVersions and `docs/apis.md` are made from it.

use super::{cluster, configs, groups, records, topics, transactions};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::error::Result;
use crate::protocol::ApiKey;

/// Answers a request. An error closes the connection: the request cannot be understood.
pub(in crate::broker) type Serve = fn(&Call<'_>) -> Result<Answer>;

/// Where a handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) enum Run {
    /// On the connection's task: it works in memory and the page cache. It may still ask to be called
    /// again where waiting is allowed.
    Inline,
    /// On a thread that may wait for the disk.
    Blocking,
}

#[derive(Clone, Copy)]
pub(in crate::broker) struct Row {
    pub api: ApiKey,
    pub run: Run,
    pub serve: Serve,
}

const fn inline(api: ApiKey, serve: Serve) -> Row {
    let run = Run::Inline;
    Row { api, run, serve }
}

const fn blocking(api: ApiKey, serve: Serve) -> Row {
    let run = Run::Blocking;
    Row { api, run, serve }
}

/// By key.
pub(in crate::broker) const TABLE: &[Row] = &[
    inline(ApiKey::Produce, records::produce::serve),
    inline(ApiKey::Fetch, records::fetch::serve),
    inline(ApiKey::ListOffsets, records::list_offsets::serve),
    inline(ApiKey::Metadata, cluster::metadata::serve),
    inline(ApiKey::OffsetCommit, groups::offset_commit::serve),
    inline(ApiKey::OffsetFetch, groups::offset_fetch::serve),
    inline(ApiKey::FindCoordinator, groups::find_coordinator::serve),
    inline(ApiKey::JoinGroup, groups::join_group::serve),
    inline(ApiKey::Heartbeat, groups::heartbeat::serve),
    inline(ApiKey::LeaveGroup, groups::leave_group::serve),
    inline(ApiKey::SyncGroup, groups::sync_group::serve),
    inline(ApiKey::DescribeGroups, groups::describe_groups::serve),
    inline(ApiKey::ListGroups, groups::list_groups::serve),
    inline(ApiKey::ApiVersions, cluster::api_versions::serve),
    blocking(ApiKey::CreateTopics, topics::create_topics::serve),
    blocking(ApiKey::DeleteTopics, topics::delete_topics::serve),
    blocking(ApiKey::DeleteRecords, topics::delete_records::serve),
    inline(
        ApiKey::InitProducerId,
        transactions::init_producer_id::serve,
    ),
    inline(
        ApiKey::OffsetForLeaderEpoch,
        records::offset_for_leader_epoch::serve,
    ),
    inline(
        ApiKey::AddPartitionsToTxn,
        transactions::add_partitions::serve,
    ),
    inline(ApiKey::AddOffsetsToTxn, transactions::add_offsets::serve),
    inline(ApiKey::EndTxn, transactions::end_txn::serve),
    inline(
        ApiKey::WriteTxnMarkers,
        transactions::write_txn_markers::serve,
    ),
    inline(
        ApiKey::TxnOffsetCommit,
        transactions::txn_offset_commit::serve,
    ),
    inline(ApiKey::DescribeConfigs, configs::describe_configs::serve),
    blocking(ApiKey::AlterConfigs, configs::alter_configs::serve),
    blocking(
        ApiKey::AlterReplicaLogDirs,
        cluster::alter_replica_log_dirs::serve,
    ),
    blocking(ApiKey::DescribeLogDirs, cluster::describe_log_dirs::serve),
    blocking(ApiKey::CreatePartitions, topics::create_partitions::serve),
    blocking(ApiKey::DeleteGroups, groups::delete_groups::serve),
    inline(ApiKey::ElectLeaders, cluster::elect_leaders::serve),
    blocking(
        ApiKey::IncrementalAlterConfigs,
        configs::incremental_alter_configs::serve,
    ),
    inline(
        ApiKey::AlterPartitionReassignments,
        cluster::alter_partition_reassignments::serve,
    ),
    inline(
        ApiKey::ListPartitionReassignments,
        cluster::list_partition_reassignments::serve,
    ),
    inline(ApiKey::OffsetDelete, groups::offset_delete::serve),
    inline(ApiKey::UpdateFeatures, cluster::update_features::serve),
    inline(ApiKey::DescribeCluster, cluster::describe_cluster::serve),
    inline(
        ApiKey::DescribeProducers,
        transactions::describe_producers::serve,
    ),
    blocking(
        ApiKey::DescribeTransactions,
        transactions::describe_transactions::serve,
    ),
    blocking(
        ApiKey::ListTransactions,
        transactions::list_transactions::serve,
    ),
    inline(
        ApiKey::ConsumerGroupHeartbeat,
        groups::consumer_group_heartbeat::serve,
    ),
    inline(
        ApiKey::ConsumerGroupDescribe,
        groups::consumer_group_describe::serve,
    ),
    inline(
        ApiKey::GetTelemetrySubscriptions,
        cluster::get_telemetry_subscriptions::serve,
    ),
    inline(ApiKey::PushTelemetry, cluster::push_telemetry::serve),
    inline(
        ApiKey::ListConfigResources,
        configs::list_config_resources::serve,
    ),
    inline(
        ApiKey::DescribeTopicPartitions,
        topics::describe_topic_partitions::serve,
    ),
];

pub(super) fn row(api: ApiKey) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.api == api)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_ascend_by_key() {
        assert!(TABLE.is_sorted_by(|a, b| a.api < b.api));
    }
}
