//! Which APIs there are: Kafka's keys, their names, their versions. What a broker serves of them is a
//! table of handlers elsewhere.

use super::message_writer::MessageWriter;
use super::messages::*;
use super::reader::Reader;
use super::schema::Message;
use crate::error::Result;

/// THE table, given to the macro `$then`.
macro_rules! for_each_api {
    ($then:ident) => {
        $then! {
            Produce = 0: produce::{ProduceRequest, ProduceResponse},
            Fetch = 1: fetch::{FetchRequest, FetchResponse},
            ListOffsets = 2: list_offsets::{ListOffsetsRequest, ListOffsetsResponse},
            Metadata = 3: metadata::{MetadataRequest, MetadataResponse},
            OffsetCommit = 8: offset_commit::{OffsetCommitRequest, OffsetCommitResponse},
            OffsetFetch = 9: offset_fetch::{OffsetFetchRequest, OffsetFetchResponse},
            FindCoordinator = 10: find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse},
            JoinGroup = 11: join_group::{JoinGroupRequest, JoinGroupResponse},
            Heartbeat = 12: heartbeat::{HeartbeatRequest, HeartbeatResponse},
            LeaveGroup = 13: leave_group::{LeaveGroupRequest, LeaveGroupResponse},
            SyncGroup = 14: sync_group::{SyncGroupRequest, SyncGroupResponse},
            DescribeGroups = 15: describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse},
            ListGroups = 16: list_groups::{ListGroupsRequest, ListGroupsResponse},
            ApiVersions = 18: api_versions::{ApiVersionsRequest, ApiVersionsResponse},
            CreateTopics = 19: create_topics::{CreateTopicsRequest, CreateTopicsResponse},
            DeleteTopics = 20: delete_topics::{DeleteTopicsRequest, DeleteTopicsResponse},
            DeleteRecords = 21: delete_records::{DeleteRecordsRequest, DeleteRecordsResponse},
            InitProducerId = 22: init_producer_id::{InitProducerIdRequest, InitProducerIdResponse},
            OffsetForLeaderEpoch = 23: offset_for_leader_epoch::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse},
            AddPartitionsToTxn = 24: add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse},
            AddOffsetsToTxn = 25: add_offsets_to_txn::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse},
            EndTxn = 26: end_txn::{EndTxnRequest, EndTxnResponse},
            WriteTxnMarkers = 27: write_txn_markers::{WriteTxnMarkersRequest, WriteTxnMarkersResponse},
            TxnOffsetCommit = 28: txn_offset_commit::{TxnOffsetCommitRequest, TxnOffsetCommitResponse},
            DescribeConfigs = 32: describe_configs::{DescribeConfigsRequest, DescribeConfigsResponse},
            AlterConfigs = 33: alter_configs::{AlterConfigsRequest, AlterConfigsResponse},
            AlterReplicaLogDirs = 34: alter_replica_log_dirs::{AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse},
            DescribeLogDirs = 35: describe_log_dirs::{DescribeLogDirsRequest, DescribeLogDirsResponse},
            CreatePartitions = 37: create_partitions::{CreatePartitionsRequest, CreatePartitionsResponse},
            DeleteGroups = 42: delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse},
            ElectLeaders = 43: elect_leaders::{ElectLeadersRequest, ElectLeadersResponse},
            IncrementalAlterConfigs = 44: incremental_alter_configs::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse},
            AlterPartitionReassignments = 45: alter_partition_reassignments::{AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse},
            ListPartitionReassignments = 46: list_partition_reassignments::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse},
            OffsetDelete = 47: offset_delete::{OffsetDeleteRequest, OffsetDeleteResponse},
            UpdateFeatures = 57: update_features::{UpdateFeaturesRequest, UpdateFeaturesResponse},
            DescribeCluster = 60: describe_cluster::{DescribeClusterRequest, DescribeClusterResponse},
            DescribeProducers = 61: describe_producers::{DescribeProducersRequest, DescribeProducersResponse},
            DescribeTransactions = 65: describe_transactions::{DescribeTransactionsRequest, DescribeTransactionsResponse},
            ListTransactions = 66: list_transactions::{ListTransactionsRequest, ListTransactionsResponse},
            ConsumerGroupHeartbeat = 68: consumer_group_heartbeat::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse},
            ConsumerGroupDescribe = 69: consumer_group_describe::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse},
            GetTelemetrySubscriptions = 71: get_telemetry_subscriptions::{GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse},
            PushTelemetry = 72: push_telemetry::{PushTelemetryRequest, PushTelemetryResponse},
            ListConfigResources = 74: list_config_resources::{ListConfigResourcesRequest, ListConfigResourcesResponse},
            DescribeTopicPartitions = 75: describe_topic_partitions::{DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse},
        }
    };
}

macro_rules! apis {
    ($( $name:ident = $number:literal: $file:ident::{$request:ident, $response:ident}, )+) => {
        /// An API of Kafka's protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ApiKey { $( $name = $number, )+ }

        impl ApiKey {
            /// By their keys, ascending.
            pub const ALL: &'static [ApiKey] = &[ $( ApiKey::$name, )+ ];

            /// `None` for a key that is not in the table.
            pub const fn from_number(number: i16) -> Option<ApiKey> {
                match number {
                    $( $number => Some(ApiKey::$name), )+
                    _ => None,
                }
            }

            /// As Kafka writes it.
            pub const fn name(self) -> &'static str {
                match self { $( ApiKey::$name => stringify!($name), )+ }
            }

            const fn facts(self) -> Facts {
                match self { $( ApiKey::$name => facts!($file::$request), )+ }
            }
        }

        /// Reads a request and writes it again in the same version. For tests and fuzzing.
        pub fn rewrite_request(
            api: ApiKey,
            version: i16,
            r: &mut Reader<'_>,
            w: &mut MessageWriter,
        ) -> Result<()> {
            match api {
                $( ApiKey::$name => $file::$request::decode(r, version)?.encode(w, version), )+
            }
        }

        /// As [`rewrite_request`].
        pub fn rewrite_response(
            api: ApiKey,
            version: i16,
            r: &mut Reader<'_>,
            w: &mut MessageWriter,
        ) -> Result<()> {
            match api {
                $( ApiKey::$name => $file::$response::decode(r, version)?.encode(w, version), )+
            }
        }
    };
}

struct Facts {
    min: i16,
    max: i16,
    declared_max: i16,
    flexible_from: i16,
}

macro_rules! facts {
    ($message:path) => {
        Facts {
            min: <$message as Message>::VERSION_MIN,
            max: <$message as Message>::STABLE_MAX,
            declared_max: <$message as Message>::VERSION_MAX,
            flexible_from: <$message as Message>::FLEXIBLE_FROM,
        }
    };
}

for_each_api!(apis);

impl ApiKey {
    /// Kafka's key.
    pub const fn number(self) -> i16 {
        self as i16
    }

    /// The first version that a Kafka 4.4 broker serves.
    pub const fn version_min(self) -> i16 {
        self.facts().min
    }

    /// The last version that a Kafka 4.4 broker serves.
    pub const fn version_max(self) -> i16 {
        self.facts().max
    }

    /// The last version that Kafka declares. Above [`ApiKey::version_max`] it is not settled yet.
    pub const fn version_declared_max(self) -> i16 {
        self.facts().declared_max
    }

    /// What ApiVersions says for `version_min`: Kafka names 0 for Produce, although it serves 3 at
    /// least, because librdkafka takes a broker without it for one of before 0.10.
    pub const fn version_min_advertised(self) -> i16 {
        match self {
            ApiKey::Produce => 0,
            other => other.version_min(),
        }
    }

    /// Whether a Kafka 4.4 broker serves `version`.
    pub const fn serves(self, version: i16) -> bool {
        let facts = self.facts();
        facts.min <= version && version <= facts.max
    }

    /// The first version with compact lengths and tagged fields; `None` when no version has them.
    pub const fn flexible_from(self) -> Option<i16> {
        match self.facts().flexible_from {
            i16::MAX => None,
            version => Some(version),
        }
    }

    /// Whether `version` of the request, and its header, are flexible.
    pub const fn is_flexible(self, version: i16) -> bool {
        version >= self.facts().flexible_from
    }

    /// 2 with tagged fields, else 1.
    pub const fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// Whether the header of the response has tagged fields. That of ApiVersions never has: its reader
    /// does not know yet which versions the server has (KIP-511).
    pub const fn response_header_is_flexible(self, version: i16) -> bool {
        !matches!(self, ApiKey::ApiVersions) && self.is_flexible(version)
    }

    /// 1 with tagged fields, else 0.
    pub const fn response_header_version(self, version: i16) -> i16 {
        if self.response_header_is_flexible(version) {
            1
        } else {
            0
        }
    }
}

impl std::fmt::Display for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
pub(super) use for_each_api;
