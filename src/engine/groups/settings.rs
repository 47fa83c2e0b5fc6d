//! What an operator can set about groups; the defaults are Kafka's.

use std::time::Duration;

use crate::error::{Code, Error, Result};

/// How the coordinator shares out partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AssignorKind {
    /// As evenly as can be over all topics, moving as little as possible.
    #[default]
    Uniform,
    /// Topic by topic in ranges, so that equal partition numbers of several topics meet at a member.
    Range,
}

impl AssignorKind {
    pub const ALL: [AssignorKind; 2] = [AssignorKind::Uniform, AssignorKind::Range];

    /// The name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            AssignorKind::Uniform => "uniform",
            AssignorKind::Range => "range",
        }
    }

    pub fn parse(name: &str) -> Option<AssignorKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The assignor that a member asks for.
    ///
    /// Errors: `UnsupportedAssignor`.
    pub fn asked_for(name: &str) -> Result<AssignorKind> {
        Self::parse(name).ok_or_else(|| {
            let what = format!("there is no assignor {name:?}: uniform or range");
            Error::coded(Code::UnsupportedAssignor, what)
        })
    }
}

/// The settings of a coordinator.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSettings {
    /// `group.consumer.session.timeout.ms`: a member silent for longer is put out.
    pub session_timeout: Duration,
    /// `group.consumer.heartbeat.interval.ms`: told to members.
    pub heartbeat_interval: Duration,
    /// `group.consumer.max.size`.
    pub group_size_max: usize,
    /// `group.consumer.assignors`: the first is used when members name none. Never empty.
    pub assignors: Vec<AssignorKind>,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_bytes_max: usize,
    /// `offsets.retention.minutes`: how long an offset outlives its last use.
    pub offsets_retention: Duration,
    pub classic: ClassicSettings,
    /// `group.consumer.migration.policy`.
    pub migration: MigrationPolicy,
}

/// Whether a group may change its protocol while it has members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MigrationPolicy {
    #[default]
    Bidirectional,
    /// From classic to consumer.
    Upgrade,
    /// From consumer to classic.
    Downgrade,
    Disabled,
}

impl MigrationPolicy {
    /// The policy of that name in the settings.
    pub fn parse(name: &str) -> Option<MigrationPolicy> {
        match name {
            "bidirectional" => Some(MigrationPolicy::Bidirectional),
            "upgrade" => Some(MigrationPolicy::Upgrade),
            "downgrade" => Some(MigrationPolicy::Downgrade),
            "disabled" => Some(MigrationPolicy::Disabled),
            _ => None,
        }
    }

    pub const fn upgrades(self) -> bool {
        matches!(
            self,
            MigrationPolicy::Bidirectional | MigrationPolicy::Upgrade
        )
    }

    pub const fn downgrades(self) -> bool {
        matches!(
            self,
            MigrationPolicy::Bidirectional | MigrationPolicy::Downgrade
        )
    }
}

/// Of groups of the classic protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassicSettings {
    /// `group.min.session.timeout.ms`.
    pub session_timeout_min: Duration,
    /// `group.max.session.timeout.ms`.
    pub session_timeout_max: Duration,
    /// `group.initial.rebalance.delay.ms`: how long the first rebalance waits for more members.
    pub initial_rebalance_delay: Duration,
    /// `group.max.size`.
    pub group_size_max: usize,
    /// How long a member may wait in its first JoinGroup. Kafka's is not a setting either.
    pub new_member_timeout: Duration,
}

impl Default for ClassicSettings {
    fn default() -> Self {
        ClassicSettings {
            session_timeout_min: Duration::from_secs(6),
            session_timeout_max: Duration::from_secs(1800),
            initial_rebalance_delay: Duration::from_secs(3),
            group_size_max: i32::MAX as usize,
            new_member_timeout: Duration::from_secs(300),
        }
    }
}

impl Default for GroupSettings {
    fn default() -> Self {
        GroupSettings {
            session_timeout: Duration::from_secs(45),
            heartbeat_interval: Duration::from_secs(5),
            group_size_max: i32::MAX as usize,
            assignors: AssignorKind::ALL.to_vec(),
            offset_metadata_bytes_max: 4096,
            offsets_retention: Duration::from_secs(7 * 24 * 3600),
            classic: ClassicSettings::default(),
            migration: MigrationPolicy::default(),
        }
    }
}
