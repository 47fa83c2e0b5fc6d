//! What the broker and its cluster are.

pub(super) mod alter_partition_reassignments;
pub(super) mod alter_replica_log_dirs;
pub(super) mod api_versions;
pub(super) mod describe_cluster;
pub(super) mod describe_log_dirs;
pub(super) mod elect_leaders;
pub(super) mod get_telemetry_subscriptions;
pub(super) mod list_partition_reassignments;
pub(super) mod metadata;
pub(super) mod push_telemetry;
pub(super) mod update_features;
