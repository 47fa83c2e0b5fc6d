//! Topics made, grown, cut and removed.

pub(super) mod assignment;
pub(super) mod create_partitions;
pub(super) mod create_topics;
pub(super) mod delete_records;
pub(super) mod delete_topics;
pub(super) mod describe_topic_partitions;
