//! Bytes to records: every version that Kafka ever wrote of the kinds we keep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::wire::In;
use super::{Change, CurrentAssignment, GroupMetadata, MemberMetadata};
use super::{ClassicMemberMetadata, ClassicMemberValue, ClassicValue};
use super::{ResolvedRegex, TargetMetadata, What, kind};
use crate::engine::groups::member::MemberState;
use crate::engine::groups::offsets::Committed;
use crate::engine::groups::partitions::{Assignment, Held, UNKNOWN_EPOCH};
use crate::error::{Error, Result};
use crate::protocol::Reader;
use crate::types::{LeaderEpoch, Offset, Timestamp, TopicId};

/// Reads a record; `None` when its kind is not ours (share and streams groups, later versions).
///
/// Errors: `Corrupt` when the bytes are not what their version says.
pub fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<Change>> {
    let mut reader = In::new(key);
    let number = reader.i16()?;
    let known = matches!(
        number,
        kind::OFFSET_COMMIT_LEGACY..=kind::CURRENT_ASSIGNMENT | kind::REGULAR_EXPRESSION
    );
    if !known {
        return Ok(None);
    }
    let what = content(number, &mut reader, value)
        .map_err(|e| e.at(format!("group record of kind {number}")))?;
    Ok(Some(what))
}

fn content(number: i16, key: &mut In<'_>, value: Option<&[u8]>) -> Result<Change> {
    let group = key.string()?;
    let what = match number {
        kind::OFFSET_COMMIT_LEGACY | kind::OFFSET_COMMIT => What::Offset {
            topic: key.string()?,
            partition: key.i32()?,
            value: value.map(offset).transpose()?,
        },
        kind::CLASSIC_GROUP => What::Classic(value.map(classic).transpose()?),
        kind::CONSUMER_GROUP => What::Group(value.map(group_metadata).transpose()?),
        kind::MEMBER_METADATA => What::Member {
            member: key.string()?,
            value: value.map(member_metadata).transpose()?,
        },
        kind::TARGET_METADATA => What::Target(value.map(target_metadata).transpose()?),
        kind::TARGET_MEMBER => What::TargetMember {
            member: key.string()?,
            value: value.map(target_member).transpose()?,
        },
        kind::CURRENT_ASSIGNMENT => What::Current {
            member: key.string()?,
            value: value.map(current).transpose()?,
        },
        kind::REGULAR_EXPRESSION => What::Regex {
            regex: key.string()?,
            value: value.map(resolved).transpose()?,
        },
        _ => What::PartitionMetadata,
    };
    Ok(Change { group, what })
}

/// Opens a value whose versions up to `newest` are known, flexible from `flexible_from`.
fn open(bytes: &[u8], newest: i16, flexible_from: i16) -> Result<(In<'_>, i16)> {
    let mut reader = In::new(bytes);
    let version = reader.i16()?;
    if !(0..=newest).contains(&version) {
        return Err(Error::corrupt(format!(
            "version {version}, known are 0 to {newest}: was the directory written by a newer version?"
        )));
    }
    reader.flexible = version >= flexible_from;
    Ok((reader, version))
}

fn offset(bytes: &[u8]) -> Result<Committed> {
    let (mut r, version) = open(bytes, 4, 4)?;
    let offset = Offset(r.i64()?);
    let leader_epoch = match version {
        3.. => LeaderEpoch(r.i32()?),
        _ => LeaderEpoch::NONE,
    };
    let metadata = r.string()?;
    let committed_at = Timestamp(r.i64()?);
    let expires_at = match version {
        1 => Some(Timestamp(r.i64()?)).filter(|t| *t != Timestamp::NONE),
        _ => None,
    };
    let mut topic_id = TopicId::NONE;
    r.tag_0(|field| {
        topic_id = TopicId(field.uuid()?);
        Ok(())
    })?;
    Ok(Committed {
        offset,
        leader_epoch,
        metadata,
        committed_at,
        expires_at,
        topic_id,
    })
}

fn classic(bytes: &[u8]) -> Result<ClassicValue> {
    let (mut r, version) = open(bytes, 4, 4)?;
    let mut value = ClassicValue {
        protocol_type: r.string()?,
        generation: r.i32()?,
        protocol: r.maybe_string()?,
        leader: r.maybe_string()?,
        since: match version {
            2.. => Timestamp(r.i64()?),
            _ => Timestamp::NONE,
        },
        members: Vec::new(),
    };
    for _ in 0..r.count(1)? {
        value.members.push(classic_member(&mut r, version)?);
    }
    r.skip_tags()?;
    Ok(value)
}

fn classic_member(r: &mut In<'_>, version: i16) -> Result<ClassicMemberValue> {
    let mut member = ClassicMemberValue {
        id: r.string()?,
        instance_id: match version {
            3.. => r.maybe_string()?,
            _ => None,
        },
        client_id: r.string()?,
        client_host: r.string()?,
        ..ClassicMemberValue::default()
    };
    let first = r.i32()?;
    (member.rebalance_timeout_ms, member.session_timeout_ms) = match version {
        1.. => (first, r.i32()?),
        _ => (first, first),
    };
    member.subscription = r.bytes()?;
    member.assignment = r.bytes()?;
    r.skip_tags()?;
    Ok(member)
}

fn group_metadata(bytes: &[u8]) -> Result<GroupMetadata> {
    let (mut r, _) = open(bytes, 0, 0)?;
    let epoch = r.i32()?;
    let hash = tagged_i64(&mut r)?;
    Ok(GroupMetadata { epoch, hash })
}

fn tagged_i64(r: &mut In<'_>) -> Result<i64> {
    let mut value = 0;
    r.tag_0(|field| {
        value = field.i64()?;
        Ok(())
    })?;
    Ok(value)
}

fn strings(r: &mut In<'_>) -> Result<BTreeSet<Arc<str>>> {
    let count = r.count(1)?;
    (0..count).map(|_| r.string()).collect()
}

fn member_metadata(bytes: &[u8]) -> Result<MemberMetadata> {
    let (mut r, _) = open(bytes, 0, 0)?;
    let mut value = MemberMetadata {
        instance_id: r.maybe_string()?,
        rack_id: r.maybe_string()?,
        client_id: r.string()?,
        client_host: r.string()?,
        topics: strings(&mut r)?,
        regex: r.maybe_string()?,
        rebalance_timeout_ms: r.i32()?,
        assignor: r.maybe_string()?,
        classic: None,
    };
    r.tag_0(|field| {
        value.classic = match field.uvarint()? {
            0 => None,
            _ => Some(classic_metadata(field)?),
        };
        Ok(())
    })?;
    Ok(value)
}

fn classic_metadata(field: &mut Reader<'_>) -> Result<ClassicMemberMetadata> {
    let session_timeout_ms = field.i32()?;
    let mut protocols = Vec::new();
    for _ in 0..field.compact_array_len(3)? {
        let name = Arc::from(field.compact_string()?);
        protocols.push((name, Arc::from(field.compact_bytes()?)));
        field.skip_tagged()?;
    }
    field.skip_tagged()?;
    Ok(ClassicMemberMetadata {
        session_timeout_ms,
        protocols,
    })
}

fn target_metadata(bytes: &[u8]) -> Result<TargetMetadata> {
    let (mut r, _) = open(bytes, 0, 0)?;
    let epoch = r.i32()?;
    let computed_at = Timestamp(tagged_i64(&mut r)?);
    Ok(TargetMetadata { epoch, computed_at })
}

fn target_member(bytes: &[u8]) -> Result<Assignment> {
    let (mut r, _) = open(bytes, 0, 0)?;
    let mut assignment = Assignment::new();
    for _ in 0..r.count(18)? {
        let topic = r.uuid()?;
        let count = r.count(4)?;
        let partitions: BTreeSet<i32> = (0..count).map(|_| r.i32()).collect::<Result<_>>()?;
        r.skip_tags()?;
        if !partitions.is_empty() {
            assignment.insert(topic, partitions);
        }
    }
    r.skip_tags()?;
    Ok(assignment)
}

fn current(bytes: &[u8]) -> Result<CurrentAssignment> {
    let (mut r, _) = open(bytes, 0, 0)?;
    let value = CurrentAssignment {
        epoch: r.i32()?,
        previous_epoch: r.i32()?,
        state: MemberState::from_number(r.i8()?),
        assigned: held(&mut r)?,
        pending_revocation: held(&mut r)?,
    };
    r.skip_tags()?;
    Ok(value)
}

fn held(r: &mut In<'_>) -> Result<Held> {
    let mut held = Held::new();
    for _ in 0..r.count(18)? {
        let topic = r.uuid()?;
        let count = r.count(4)?;
        let partitions: Vec<i32> = (0..count).map(|_| r.i32()).collect::<Result<_>>()?;
        let mut epochs = Vec::new();
        r.tag_0(|field| {
            let count = field.compact_array_len(4)?;
            epochs = (0..count).map(|_| field.i32()).collect::<Result<_>>()?;
            Ok(())
        })?;
        let epochs = epochs.into_iter().chain(std::iter::repeat(UNKNOWN_EPOCH));
        let pairs: BTreeMap<i32, i32> = partitions.into_iter().zip(epochs).collect();
        if !pairs.is_empty() {
            held.insert(topic, pairs);
        }
    }
    Ok(held)
}

fn resolved(bytes: &[u8]) -> Result<ResolvedRegex> {
    let (mut r, _) = open(bytes, 0, 0)?;
    let value = ResolvedRegex {
        topics: strings(&mut r)?,
        version: r.i64()?,
        resolved_at: Timestamp(r.i64()?),
    };
    r.skip_tags()?;
    Ok(value)
}
