//! What the coordinator must know of topics, and no more.

use std::sync::Arc;

use crate::types::TopicId;

/// A topic as assignment sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    pub id: TopicId,
    /// How many partitions, counted from 0.
    pub partitions: i32,
}

/// A moment of the topic metadata. One call of the coordinator sees one unchanging view.
///
/// Promise: `version` grows with every change that the other methods could show; the coordinator
/// looks again at a group's topics only when it has grown.
pub trait TopicsView {
    fn version(&self) -> u64;

    fn topic(&self, name: &str) -> Option<TopicInfo>;

    /// The name of the topic with this id, `None` when it was deleted.
    fn name_of(&self, id: TopicId) -> Option<Arc<str>>;

    /// Every topic that a regular expression may match. Whether internal topics belong to them is
    /// for the implementation to say.
    fn each_name(&self, see: &mut dyn FnMut(&Arc<str>));
}
