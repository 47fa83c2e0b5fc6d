//! A member of a consumer group, by KIP-848: the coordinator assigns, heartbeats say what is owned.
//! The classic protocol (JoinGroup, SyncGroup) is left out: Kafka 4 and Levada need it no more, and an
//! older cluster answers with a clear error.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cluster::{Again, Cluster, To};
use super::errors;
use crate::error::{Code, Error, Result};
use crate::protocol::ApiKey;
use crate::protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, RequestTopicPartitions,
};
use crate::types::{Offset, TopicId, TopicPartition};

/// How long this member may take to give up partitions.
const REBALANCE_TIMEOUT: Duration = Duration::from_secs(60);
const JOIN: i32 = 0;
const LEAVE: i32 = -1;

/// A member; call [`Member::keep_up`] often.
#[derive(Debug)]
pub struct Member {
    group: String,
    id: String,
    epoch: i32,
    topics: Vec<String>,
    ids: BTreeMap<TopicId, String>,
    owned: Vec<TopicPartition>,
    interval: Duration,
    /// When the next heartbeat is due.
    due: Duration,
}

/// What a heartbeat came to.
struct Beat {
    member_id: Option<String>,
    epoch: i32,
    interval: Duration,
    assigned: Option<Vec<(TopicId, i32)>>,
}

impl Member {
    /// A member that joins with its first [`Member::keep_up`].
    ///
    /// Errors: NotFound for a topic; UnsupportedVersion when the coordinator knows no such members.
    pub fn new(cluster: &mut Cluster, group: &str, topics: &[&str]) -> Result<Member> {
        let mut ids = BTreeMap::new();
        for topic in topics {
            let found = cluster.topic(topic)?;
            ids.insert(found.id, found.name);
        }
        if !cluster.knows(To::Coordinator(group), ApiKey::ConsumerGroupHeartbeat)? {
            return Err(Error::coded(
                Code::UnsupportedVersion,
                format!(
                    "group {group}: the cluster has no consumer groups of KIP-848 (Kafka 4.0 and later have): read without --group, with --from"
                ),
            ));
        }
        Ok(Member {
            group: group.to_owned(),
            id: TopicId::random().to_string(),
            epoch: JOIN,
            topics: topics.iter().map(|t| (*t).to_owned()).collect(),
            ids,
            owned: Vec::new(),
            interval: Duration::ZERO,
            due: Duration::ZERO,
        })
    }

    /// Sends a heartbeat when one is due. `Some` when the partitions of this member have changed.
    ///
    /// Commit what was read of a partition before: another member may go on with it after this.
    pub fn keep_up(&mut self, cluster: &mut Cluster) -> Result<Option<Vec<TopicPartition>>> {
        if cluster.clock.monotonic() < self.due {
            return Ok(None);
        }
        let beat = match self.beat(cluster, self.epoch) {
            Ok(beat) => beat,
            Err(error) if is_out(&error) => {
                // The group went on without this member: join again, owning nothing.
                self.epoch = JOIN;
                self.owned.clear();
                self.due = Duration::ZERO;
                return Ok(Some(Vec::new()));
            }
            Err(error) => return Err(error),
        };
        self.id = beat
            .member_id
            .unwrap_or_else(|| std::mem::take(&mut self.id));
        self.epoch = beat.epoch;
        self.interval = beat.interval;
        self.due = cluster.clock.monotonic() + self.interval;
        let Some(assigned) = beat.assigned else {
            return Ok(None);
        };
        let mut owned = Vec::new();
        for (id, partition) in assigned {
            let name = self.ids.get(&id).ok_or_else(|| {
                let what = format!("group {}: a topic {id} was assigned", self.group);
                Error::coded(Code::UnknownTopicId, what + " that is not subscribed to")
            })?;
            owned.push(TopicPartition::new(name.as_str(), partition));
        }
        owned.sort();
        if owned == self.owned {
            return Ok(None);
        }
        self.owned = owned;
        // At once: the coordinator waits to hear that this is owned now.
        self.due = Duration::ZERO;
        Ok(Some(self.owned.clone()))
    }

    /// Makes the next heartbeat due at once.
    pub fn hurry(&mut self) {
        self.due = Duration::ZERO;
    }

    pub fn owned(&self) -> &[TopicPartition] {
        &self.owned
    }

    /// Errors: Conflict or Fenced when the group went on without this member.
    pub fn commit(
        &mut self,
        cluster: &mut Cluster,
        offsets: &[(TopicPartition, Offset)],
    ) -> Result<()> {
        match offsets.is_empty() {
            true => Ok(()),
            false => cluster.commit(&self.group, &self.id, self.epoch, offsets),
        }
    }

    /// Leaves the group, so that others need not wait.
    pub fn leave(mut self, cluster: &mut Cluster) -> Result<()> {
        if self.epoch == JOIN {
            return Ok(());
        }
        self.epoch = LEAVE;
        match self.beat(cluster, LEAVE) {
            Err(error) if !is_out(&error) => Err(error),
            _ => Ok(()),
        }
    }

    fn beat(&self, cluster: &mut Cluster, epoch: i32) -> Result<Beat> {
        let join = epoch == JOIN;
        let build = |version| ConsumerGroupHeartbeatRequest {
            group_id: self.group.as_str().into(),
            // Version 0 has the coordinator name the member.
            member_id: match join && version == 0 {
                true => "".into(),
                false => self.id.as_str().into(),
            },
            member_epoch: epoch,
            rebalance_timeout_ms: match join {
                true => REBALANCE_TIMEOUT.as_millis() as i32,
                false => -1,
            },
            subscribed_topic_names: join
                .then(|| self.topics.iter().map(|t| t.as_str().into()).collect()),
            topic_partitions: (epoch != LEAVE).then(|| self.owned_by_id()),
            ..ConsumerGroupHeartbeatRequest::default()
        };
        let group = &self.group;
        cluster.call(To::Coordinator(group), Again::Always, build, |answer| {
            let response: ConsumerGroupHeartbeatResponse<'_> = answer.read()?;
            let message = response.error_message.as_deref();
            errors::check(response.error_code, message, format_args!("group {group}"))?;
            let assigned = response.assignment.as_ref().map(|a| {
                let topics = a.topic_partitions.iter();
                topics
                    .flat_map(|t| t.partitions.iter().map(|p| (t.topic_id, *p)))
                    .collect()
            });
            Ok(Beat {
                member_id: response.member_id.as_ref().map(ToString::to_string),
                epoch: response.member_epoch,
                interval: Duration::from_millis(response.heartbeat_interval_ms.max(0) as u64),
                assigned,
            })
        })
    }

    fn owned_by_id(&self) -> Vec<RequestTopicPartitions> {
        let owned = self.ids.iter().map(|(id, name)| RequestTopicPartitions {
            topic_id: *id,
            partitions: {
                let of = self.owned.iter().filter(|place| *place.topic == **name);
                of.map(|place| place.partition).collect()
            },
        });
        owned.filter(|t| !t.partitions.is_empty()).collect()
    }
}

/// Whether the coordinator does not count this member in any longer.
fn is_out(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::FencedMemberEpoch | Code::UnknownMemberId
    )
}
