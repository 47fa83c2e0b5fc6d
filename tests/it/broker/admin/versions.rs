//! Every version that is advertised is answered.

use levada::protocol::Message;
use levada::protocol::messages::*;

use crate::broker::wire::{Broker, Wire};

/// Sends a request that names nothing, in all versions; each answer is read to its last byte.
macro_rules! answers {
    ($wire:expr, $($file:ident::{$request:ident, $response:ident}),+ $(,)?) => {$(
        let api = <$file::$request as Message>::KEY.expect("a request");
        for version in api.version_min()..=api.version_max() {
            let answer = $wire.call(version, &$file::$request::default());
            let _: $file::$response = answer.read();
        }
    )+};
}

#[test]
fn every_version_of_every_admin_api_is_answered() {
    let broker = Broker::start();
    let mut wire: Wire = broker.connect();
    answers!(
        wire,
        create_topics::{CreateTopicsRequest, CreateTopicsResponse},
        delete_topics::{DeleteTopicsRequest, DeleteTopicsResponse},
        delete_records::{DeleteRecordsRequest, DeleteRecordsResponse},
        offset_for_leader_epoch::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse},
        describe_configs::{DescribeConfigsRequest, DescribeConfigsResponse},
        alter_configs::{AlterConfigsRequest, AlterConfigsResponse},
        alter_replica_log_dirs::{AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse},
        describe_log_dirs::{DescribeLogDirsRequest, DescribeLogDirsResponse},
        create_partitions::{CreatePartitionsRequest, CreatePartitionsResponse},
        elect_leaders::{ElectLeadersRequest, ElectLeadersResponse},
        incremental_alter_configs::{
            IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse
        },
        alter_partition_reassignments::{
            AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse
        },
        list_partition_reassignments::{
            ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse
        },
        update_features::{UpdateFeaturesRequest, UpdateFeaturesResponse},
        describe_cluster::{DescribeClusterRequest, DescribeClusterResponse},
        list_config_resources::{ListConfigResourcesRequest, ListConfigResourcesResponse},
        describe_topic_partitions::{
            DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse
        },
    );
}
