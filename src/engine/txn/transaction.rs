//! One transactional id, as its record stores it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::requests::{ClientVersion, ProducerIdentity};
use super::state::TxnState;
use crate::engine::groups::offsets_partition;
use crate::types::{ProducerEpoch, ProducerId, Timestamp, TopicPartition};

/// Partitions by topic. No topic stands in it with an empty set.
pub type Partitions = BTreeMap<Arc<str>, BTreeSet<i32>>;

/// The last epoch: only the coordinator writes with it, in the markers that end a producer id.
pub const EPOCH_LAST: ProducerEpoch = ProducerEpoch(i16::MAX);

/// The state of a transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub producer: ProducerIdentity,
    /// Whose epochs were used up, [`ProducerId::NONE`] when this is the first id. A retry of the request
    /// that changed ids still names it.
    pub previous_id: ProducerId,
    /// While a transaction ends: the id that its producer goes on with, because this one's epochs are
    /// used up; else [`ProducerId::NONE`].
    pub next_id: ProducerId,
    pub timeout_ms: i32,
    pub state: TxnState,
    /// What the transaction holds, until all its markers are written.
    pub partitions: Partitions,
    pub updated_at: Timestamp,
    /// When the transaction began, [`Timestamp::NONE`] when none did.
    pub started_at: Timestamp,
    pub client: ClientVersion,
}

impl Transaction {
    /// What the producer goes on with: while its epochs run out, the next id already.
    pub fn promised(&self) -> ProducerIdentity {
        match self.next_id.is_some() {
            false => self.producer,
            true => ProducerIdentity {
                id: self.next_id,
                epoch: ProducerEpoch(0),
            },
        }
    }

    /// Whether the producer needs another id before it can have another epoch.
    pub(super) fn is_exhausted(&self) -> bool {
        is_exhausted(self.producer.epoch)
    }

    pub fn holds(&self, partition: &TopicPartition) -> bool {
        let of_topic = self.partitions.get(&partition.topic);
        of_topic.is_some_and(|p| p.contains(&partition.partition))
    }

    /// The partitions one by one, in order.
    pub fn each_partition(&self) -> impl Iterator<Item = TopicPartition> + '_ {
        let of_topic = |(topic, partitions): (&Arc<str>, &BTreeSet<i32>)| {
            let topic = topic.clone();
            let partitions: Vec<i32> = partitions.iter().copied().collect();
            partitions
                .into_iter()
                .map(move |p| TopicPartition::new(topic.clone(), p))
        };
        self.partitions.iter().flat_map(of_topic)
    }

    /// When the open transaction is aborted.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let timeout = i64::from(self.timeout_ms);
        let open = self.state == TxnState::Ongoing;
        open.then(|| Timestamp(self.started_at.get().saturating_add(timeout)))
    }
}

pub fn is_exhausted(epoch: ProducerEpoch) -> bool {
    epoch.get() >= EPOCH_LAST.get() - 1
}

/// The next epoch; the last one stays.
pub fn bumped(epoch: ProducerEpoch) -> ProducerEpoch {
    ProducerEpoch(epoch.get().saturating_add(1))
}

/// Which partition of `__transaction_state` holds an id: as groups lie in `__consumer_offsets`.
pub fn state_partition(transactional_id: &str, partitions: i32) -> i32 {
    offsets_partition(transactional_id, partitions)
}
