//! What the members of a classic group of consumers tell each other inside JoinGroup and
//! SyncGroup.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::{Blob, Str};

message!(ConsumerProtocolSubscription<'a>: blob, 0..=3);

schema! {
    /// Versions 0 to 3, never flexible.
    pub struct ConsumerProtocolSubscription<'a> {
        topics: Vec<Str<'a>>,
        user_data: Option<Blob<'a>>,
        [1..] owned_partitions: Vec<SubscriptionTopicPartition<'a>>,
        [2..] generation_id: i32 = -1,
        [3..] rack_id: Option<Str<'a>>,
    }

    pub struct SubscriptionTopicPartition<'a> {
        topic: Str<'a>,
        partitions: Vec<i32>,
    }
}

message!(ConsumerProtocolAssignment<'a>: blob, 0..=3);

schema! {
    /// Versions 0 to 3, never flexible.
    pub struct ConsumerProtocolAssignment<'a> {
        assigned_partitions: Vec<AssignmentTopicPartition<'a>>,
        user_data: Option<Blob<'a>>,
    }

    pub struct AssignmentTopicPartition<'a> {
        topic: Str<'a>,
        partitions: Vec<i32>,
    }
}
