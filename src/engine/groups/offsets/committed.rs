//! An offset: as it is stored, as it is to be committed, and what came of it.

use std::sync::Arc;

use crate::error::Error;
use crate::types::{LeaderEpoch, Offset, Timestamp, TopicId};

/// A committed offset as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The next record to read.
    pub offset: Offset,
    /// The leader epoch of the last record read, [`LeaderEpoch::NONE`] when not said.
    pub leader_epoch: LeaderEpoch,
    /// What the reader wanted to keep with it.
    pub metadata: Arc<str>,
    pub committed_at: Timestamp,
    /// Set by clients of long ago only.
    pub expires_at: Option<Timestamp>,
    /// [`TopicId::NONE`] in records of Kafka before 4.2.
    pub topic_id: TopicId,
}

impl Committed {
    /// Whether it was committed for the topic with this id, not for one that had its name before.
    pub fn is_of(&self, id: TopicId) -> bool {
        self.topic_id == TopicId::NONE || self.topic_id == id
    }
}

/// An offset to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommit {
    pub topic: Arc<str>,
    pub partition: i32,
    pub offset: Offset,
    pub leader_epoch: LeaderEpoch,
    pub metadata: Arc<str>,
    /// The topic that was read: a commit for another of the same name is refused.
    /// [`TopicId::NONE`]: whichever has the name.
    pub topic_id: TopicId,
    /// When it is to be forgotten, as only clients of long ago say (OffsetCommit before version 5).
    pub expires_at: Option<Timestamp>,
}

impl OffsetCommit {
    pub fn new(topic: impl Into<Arc<str>>, partition: i32, offset: Offset) -> OffsetCommit {
        OffsetCommit {
            topic: topic.into(),
            partition,
            offset,
            leader_epoch: LeaderEpoch::NONE,
            metadata: Arc::from(""),
            topic_id: TopicId::NONE,
            expires_at: None,
        }
    }

    /// For the topic with this id alone.
    #[must_use]
    pub fn of_topic(mut self, id: TopicId) -> OffsetCommit {
        self.topic_id = id;
        self
    }
}

/// What came of a partition in a commit, fetch or removal.
#[derive(Clone, Debug)]
pub struct OffsetOutcome<T = ()> {
    pub topic: Arc<str>,
    pub partition: i32,
    pub result: Result<T, Error>,
}
