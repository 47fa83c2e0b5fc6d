//! What there is to know of topics and groups, as the JSON answers show it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::Overrides;

#[derive(Debug, Serialize)]
pub struct ListedTopic {
    pub name: String,
    #[serde(skip)]
    pub id: String,
    pub partitions: usize,
    pub internal: bool,
    #[serde(skip_serializing_if = "Overrides::is_empty")]
    pub config: Overrides,
}

#[derive(Debug, Serialize)]
pub struct DescribedTopic {
    pub name: String,
    pub id: String,
    /// `None` where it is not told: Kafka's protocol does not carry it.
    pub created: Option<String>,
    pub internal: bool,
    pub partitions: Vec<PartitionShown>,
    /// In the order of the names.
    pub config: Vec<SettingShown>,
}

#[derive(Debug, Serialize)]
pub struct PartitionShown {
    pub partition: i32,
    pub log_start: i64,
    /// The first offset that is not in the archive, or in another tier.
    pub local_start: i64,
    pub end: i64,
    pub last_stable: i64,
    /// `None` where brokers do not tell.
    pub local_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
pub struct SettingShown {
    pub name: String,
    pub value: Option<String>,
    pub source: &'static str,
}

#[derive(Debug, Serialize)]
pub struct ListedGroup {
    pub group: String,
    pub kind: String,
    pub state: String,
}

#[derive(Debug, Serialize)]
pub struct DescribedGroup {
    pub group: String,
    pub kind: String,
    pub state: String,
    /// `None` where it is not told.
    pub epoch: Option<i32>,
    pub members: Vec<MemberShown>,
    pub offsets: Vec<OffsetShown>,
}

#[derive(Debug, Serialize)]
pub struct MemberShown {
    pub id: String,
    pub instance_id: Option<String>,
    pub client_id: String,
    pub host: String,
    pub assigned: BTreeMap<String, Vec<i32>>,
}

#[derive(Debug, Serialize)]
pub struct OffsetShown {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// `None` when the partition is gone.
    pub end: Option<i64>,
    pub lag: Option<i64>,
    /// `None` where it is not told: Kafka's protocol does not carry it.
    pub committed: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub metadata: String,
}
