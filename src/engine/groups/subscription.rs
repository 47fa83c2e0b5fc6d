//! What a group reads: the wishes of its members, the topics that expressions find, and a number
//! that changes when those topics do.

use std::collections::BTreeSet;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use super::group::ConsumerGroup;
use super::member::Member;
use super::plan::{Draft, Now};
use super::records::{MemberMetadata, ResolvedRegex, What};
use super::requests::Heartbeat;
use super::topics::TopicsView;
use crate::config::is_internal_topic;
use crate::error::{Code, Error, Result};

/// Memory that one compiled expression may take.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// The member's metadata with what the heartbeat names changed.
pub fn updated(member: &Member, request: &Heartbeat) -> MemberMetadata {
    let mut metadata = member.metadata.clone();
    if request.instance_id.is_some() {
        metadata.instance_id = request.instance_id.clone();
    }
    if request.rack_id.is_some() {
        metadata.rack_id = request.rack_id.clone();
    }
    if let Some(timeout) = request.rebalance_timeout {
        metadata.rebalance_timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    }
    if let Some(assignor) = request.assignor {
        metadata.assignor = Some(Arc::from(assignor.name()));
    }
    if let Some(topics) = &request.topics {
        metadata.topics = topics.clone();
    }
    if let Some(regex) = &request.regex {
        metadata.regex = Some(regex.clone());
    }
    // It speaks the newer protocol now, whatever it was before.
    metadata.classic = None;
    metadata.client_id = request.client_id.clone();
    metadata.client_host = request.client_host.clone();
    metadata
}

/// An expression over whole topic names, as RE2 reads them.
///
/// Errors: `InvalidRegularExpression`.
pub fn compile(expression: &str) -> Result<Regex> {
    let whole = format!("^(?:{expression})$");
    let built = RegexBuilder::new(&whole)
        .size_limit(REGEX_BYTES_MAX)
        .build();
    // Compiled alone as well: `a)(b` is an expression only between our brackets.
    let alone = RegexBuilder::new(expression)
        .size_limit(REGEX_BYTES_MAX)
        .build();
    alone.and(built).map_err(|e| {
        Error::coded(
            Code::InvalidRegularExpression,
            format!("topic pattern {expression:?} is not a regular expression: {e}"),
        )
    })
}

/// Resolves the expressions of the group's members against the topics, and forgets those that no
/// member has. Writes only what changed. An expression from the log that does not compile finds
/// nothing.
pub fn resolve(draft: &mut Draft<'_>, topics: &dyn TopicsView, now: Now) {
    let group = draft.group();
    let used: BTreeSet<Arc<str>> = group
        .members()
        .values()
        .filter_map(|m| m.regex().cloned())
        .collect();
    let unused: Vec<Arc<str>> = group
        .regexes()
        .keys()
        .filter(|regex| !used.contains(*regex))
        .cloned()
        .collect();
    for regex in unused {
        draft.push(What::Regex { regex, value: None });
    }
    for regex in used {
        let found = matching(&regex, topics);
        let before = draft.group().regexes().get(&regex);
        if before.is_some_and(|before| before.topics == found) {
            continue;
        }
        let value = ResolvedRegex {
            topics: found,
            version: i64::try_from(topics.version()).unwrap_or(i64::MAX),
            resolved_at: now.wall,
        };
        draft.push(What::Regex {
            regex,
            value: Some(value),
        });
    }
}

/// With Kafka `.*` matches the internal topics too, and who reads with it and commits reads its own
/// commits for ever. Here a pattern has to name them, `__consumer_.*`, to match them.
fn matching(expression: &str, topics: &dyn TopicsView) -> BTreeSet<Arc<str>> {
    let mut found = BTreeSet::new();
    let internal = expression.contains("__");
    if let Ok(regex) = compile(expression) {
        topics.each_name(&mut |name| {
            if (internal || !is_internal_topic(name)) && regex.is_match(name) {
                found.insert(name.clone());
            }
        });
    }
    found
}

/// All topics that the group reads, existing or not.
pub fn topic_names(group: &ConsumerGroup) -> BTreeSet<Arc<str>> {
    let named = group.members().values().flat_map(|m| m.topics().iter());
    let found = group.regexes().values().flat_map(|r| r.topics.iter());
    named.chain(found).cloned().collect()
}

/// A number over names, ids and partition counts of the topics the group reads (64-bit FNV-1a):
/// another number means that the group must be assigned anew. 0 for no topics, as in Kafka.
pub fn hash(group: &ConsumerGroup, topics: &dyn TopicsView) -> i64 {
    let mut hash = 0u64;
    for name in topic_names(group) {
        let Some(topic) = topics.topic(&name) else {
            continue;
        };
        let bytes = name.bytes().chain([0]).chain(topic.id.0);
        for byte in bytes.chain(topic.partitions.to_be_bytes()) {
            hash = match hash {
                0 => 0xcbf2_9ce4_8422_2325,
                hash => hash,
            };
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash as i64
}
