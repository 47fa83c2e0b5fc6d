//! Records to bytes, in the versions that Kafka 4.4 writes.

use std::sync::Arc;

use super::wire::Out;
use super::{
    Change, ClassicMemberMetadata, ClassicValue, CurrentAssignment, GroupMetadata, MemberMetadata,
    ResolvedRegex,
};
use super::{TargetMetadata, What, kind};
use crate::engine::groups::offsets::Committed;
use crate::engine::groups::partitions::{Assignment, Held, UNKNOWN_EPOCH};
use crate::protocol::Writer;
use crate::types::TopicId;

/// Key and value of a change; the value of a tombstone is `None`.
pub fn encode(change: &Change) -> (Vec<u8>, Option<Vec<u8>>) {
    let key = |number: i16, rest: &[&Arc<str>]| {
        let mut out = Out::new(number, false);
        out.string(&change.group);
        for text in rest {
            out.string(text);
        }
        out.writer.bytes
    };
    match &change.what {
        What::Offset {
            topic,
            partition,
            value,
        } => {
            let mut bytes = key(kind::OFFSET_COMMIT, &[topic]);
            bytes.extend_from_slice(&partition.to_be_bytes());
            (bytes, value.as_ref().map(offset))
        }
        What::Classic(value) => (key(kind::CLASSIC_GROUP, &[]), value.as_ref().map(classic)),
        What::Group(value) => (key(kind::CONSUMER_GROUP, &[]), value.as_ref().map(group)),
        What::PartitionMetadata => (key(kind::PARTITION_METADATA, &[]), None),
        What::Member { member, value } => {
            let key = key(kind::MEMBER_METADATA, &[member]);
            (key, value.as_ref().map(member_metadata))
        }
        What::Target(value) => (
            key(kind::TARGET_METADATA, &[]),
            value.as_ref().map(target_metadata),
        ),
        What::TargetMember { member, value } => {
            let key = key(kind::TARGET_MEMBER, &[member]);
            (key, value.as_ref().map(target_member))
        }
        What::Current { member, value } => {
            let key = key(kind::CURRENT_ASSIGNMENT, &[member]);
            (key, value.as_ref().map(current))
        }
        What::Regex { regex, value } => {
            let key = key(kind::REGULAR_EXPRESSION, &[regex]);
            (key, value.as_ref().map(resolved))
        }
    }
}

/// Version 4 carries the topic id in a tag; without one version 3 does, which every Kafka from 2.1
/// reads. A client's own expiry time needs version 1.
fn offset(value: &Committed) -> Vec<u8> {
    let with_id = value.topic_id != TopicId::NONE;
    let version = match (value.expires_at, with_id) {
        (Some(_), _) => 1,
        (None, true) => 4,
        (None, false) => 3,
    };
    let mut out = Out::new(version, version >= 4);
    out.writer.i64(value.offset.get());
    if version >= 3 {
        out.writer.i32(value.leader_epoch.get());
    }
    out.string(&value.metadata);
    out.writer.i64(value.committed_at.get());
    if let Some(expires_at) = value.expires_at {
        out.writer.i64(expires_at.get());
    }
    out.tag_0(with_id.then(|| Writer {
        bytes: value.topic_id.0.to_vec(),
    }));
    out.writer.bytes
}

/// Version 3, which every Kafka from 2.3 reads.
fn classic(value: &ClassicValue) -> Vec<u8> {
    let mut out = Out::new(3, false);
    out.string(&value.protocol_type);
    out.writer.i32(value.generation);
    out.maybe_string(value.protocol.as_deref());
    out.maybe_string(value.leader.as_deref());
    out.writer.i64(value.since.get());
    out.count(value.members.len());
    for member in &value.members {
        out.string(&member.id);
        out.maybe_string(member.instance_id.as_deref());
        out.string(&member.client_id);
        out.string(&member.client_host);
        out.writer.i32(member.rebalance_timeout_ms);
        out.writer.i32(member.session_timeout_ms);
        out.bytes(&member.subscription);
        out.bytes(&member.assignment);
    }
    out.writer.bytes
}

/// A structure that may be null, in a tag: a varint before it tells.
fn classic_metadata(value: Option<&ClassicMemberMetadata>) -> Writer {
    let mut field = Writer::new();
    let Some(value) = value else {
        field.uvarint(0);
        return field;
    };
    field.uvarint(1);
    field.i32(value.session_timeout_ms);
    field.compact_array_len(value.protocols.len());
    for (name, subscription) in &value.protocols {
        field.compact_string(name);
        field.compact_bytes(subscription);
        field.no_tagged();
    }
    field.no_tagged();
    field
}

fn group(value: &GroupMetadata) -> Vec<u8> {
    let mut out = Out::new(0, true);
    out.writer.i32(value.epoch);
    out.tag_0(unless_zero(value.hash));
    out.writer.bytes
}

fn unless_zero(value: i64) -> Option<Writer> {
    let mut field = Writer::new();
    field.i64(value);
    (value != 0).then_some(field)
}

fn member_metadata(value: &MemberMetadata) -> Vec<u8> {
    let mut out = Out::new(0, true);
    out.maybe_string(value.instance_id.as_deref());
    out.maybe_string(value.rack_id.as_deref());
    out.string(&value.client_id);
    out.string(&value.client_host);
    out.count(value.topics.len());
    for topic in &value.topics {
        out.string(topic);
    }
    out.maybe_string(value.regex.as_deref());
    out.writer.i32(value.rebalance_timeout_ms);
    out.maybe_string(value.assignor.as_deref());
    out.tag_0(Some(classic_metadata(value.classic.as_ref())));
    out.writer.bytes
}

fn target_metadata(value: &TargetMetadata) -> Vec<u8> {
    let mut out = Out::new(0, true);
    out.writer.i32(value.epoch);
    out.tag_0(unless_zero(value.computed_at.get()));
    out.writer.bytes
}

fn target_member(value: &Assignment) -> Vec<u8> {
    let mut out = Out::new(0, true);
    out.count(value.len());
    for (topic, partitions) in value {
        out.uuid(*topic);
        out.count(partitions.len());
        for partition in partitions {
            out.writer.i32(*partition);
        }
        out.tag_0(None);
    }
    out.tag_0(None);
    out.writer.bytes
}

fn current(value: &CurrentAssignment) -> Vec<u8> {
    let mut out = Out::new(0, true);
    out.writer.i32(value.epoch);
    out.writer.i32(value.previous_epoch);
    out.writer.i8(value.state.number());
    held(&mut out, &value.assigned);
    held(&mut out, &value.pending_revocation);
    out.tag_0(None);
    out.writer.bytes
}

fn held(out: &mut Out, value: &Held) {
    out.count(value.len());
    for (topic, partitions) in value {
        out.uuid(*topic);
        out.count(partitions.len());
        for partition in partitions.keys() {
            out.writer.i32(*partition);
        }
        let known = partitions.values().any(|epoch| *epoch != UNKNOWN_EPOCH);
        let mut epochs = Writer::new();
        epochs.compact_array_len(partitions.len());
        for epoch in partitions.values() {
            epochs.i32(*epoch);
        }
        out.tag_0(known.then_some(epochs));
    }
}

fn resolved(value: &ResolvedRegex) -> Vec<u8> {
    let mut out = Out::new(0, true);
    out.count(value.topics.len());
    for topic in &value.topics {
        out.string(topic);
    }
    out.writer.i64(value.version);
    out.writer.i64(value.resolved_at.get());
    out.tag_0(None);
    out.writer.bytes
}
