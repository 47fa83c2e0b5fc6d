//! ConsumerGroupDescribe, key 69: request and response, versions 0 to 1.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;
use crate::types::TopicId;

message!(ConsumerGroupDescribeRequest<'a>: ConsumerGroupDescribe, 0..=1, flexible 0);

schema! {
    /// Versions 0 to 1, flexible from 0.
    pub struct ConsumerGroupDescribeRequest<'a> {
        group_ids: Vec<Str<'a>>,
        include_authorized_operations: bool,
    }
}

message!(ConsumerGroupDescribeResponse<'a>: ConsumerGroupDescribe, 0..=1, flexible 0);

schema! {
    /// Versions 0 to 1, flexible from 0.
    pub struct ConsumerGroupDescribeResponse<'a> {
        throttle_time_ms: i32,
        groups: Vec<DescribedGroup<'a>>,
    }

    pub struct DescribedGroup<'a> {
        error_code: i16,
        error_message: Option<Str<'a>>,
        group_id: Str<'a>,
        group_state: Str<'a>,
        group_epoch: i32,
        assignment_epoch: i32,
        assignor_name: Str<'a>,
        members: Vec<Member<'a>>,
        authorized_operations: i32 = i32::MIN,
    }

    pub struct Member<'a> {
        member_id: Str<'a>,
        instance_id: Option<Str<'a>>,
        rack_id: Option<Str<'a>>,
        member_epoch: i32,
        client_id: Str<'a>,
        client_host: Str<'a>,
        subscribed_topic_names: Vec<Str<'a>>,
        subscribed_topic_regex: Option<Str<'a>>,
        assignment: Assignment<'a>,
        target_assignment: Assignment<'a>,
        [1..] member_type: i8 = -1,
    }

    pub struct Assignment<'a> {
        topic_partitions: Vec<TopicPartitions<'a>>,
    }

    pub struct TopicPartitions<'a> {
        topic_id: TopicId,
        topic_name: Str<'a>,
        partitions: Vec<i32>,
    }
}
