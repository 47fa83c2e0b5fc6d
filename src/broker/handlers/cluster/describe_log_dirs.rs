//! DescribeLogDirs, key 35, versions 1 to 5 (KIP-113, KIP-827, KIP-1066).
//!
//! There is one directory. A partition's size is that of its local segments; what the archive holds is
//! not counted, as Kafka does not count what is tiered.

use std::collections::{BTreeMap, BTreeSet};

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::{Engine, TopicHandle};
use crate::error::{Code, Result};
use crate::protocol::messages::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsPartition, DescribeLogDirsRequest,
    DescribeLogDirsResponse, DescribeLogDirsResult, DescribeLogDirsTopic,
};

/// Partitions by topic; `None` for all of both.
type Wanted<'r> = Option<BTreeMap<&'r str, BTreeSet<i32>>>;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: DescribeLogDirsRequest<'_> = call.request()?;
    let engine = call.engine();
    let wanted = request.topics.as_deref().map(by_topic);
    let mut topics = Vec::new();
    for topic in engine.topics()? {
        let partitions = sizes(&topic, &wanted);
        if !partitions.is_empty() {
            topics.push(DescribeLogDirsTopic {
                name: topic.name().to_string().into(),
                partitions,
            });
        }
    }
    call.ready(&DescribeLogDirsResponse {
        results: vec![directory(engine, topics)],
        ..DescribeLogDirsResponse::default()
    })
}

fn by_topic<'r>(topics: &'r [DescribableLogDirTopic<'_>]) -> BTreeMap<&'r str, BTreeSet<i32>> {
    let mut wanted: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
    for topic in topics {
        let numbers = wanted.entry(&*topic.topic).or_default();
        numbers.extend(&topic.partitions);
    }
    wanted
}

fn directory<'t>(
    engine: &Engine,
    topics: Vec<DescribeLogDirsTopic<'t>>,
) -> DescribeLogDirsResult<'t> {
    let space = engine.parts().disk.space(engine.data_dir());
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let (error_code, total_bytes, usable_bytes) = match space {
        Ok(Some(space)) => (0, bytes(space.total_bytes), bytes(space.usable_bytes)),
        Ok(None) => (0, -1, -1),
        Err(_) => (Code::KafkaStorageError.number(), -1, -1),
    };
    DescribeLogDirsResult {
        error_code,
        log_dir: engine.data_dir().display().to_string().into(),
        topics,
        total_bytes,
        usable_bytes,
        ..DescribeLogDirsResult::default()
    }
}

/// Of those partitions that were asked for.
fn sizes(topic: &TopicHandle, wanted: &Wanted<'_>) -> Vec<DescribeLogDirsPartition> {
    let numbers = match wanted {
        None => None,
        Some(wanted) => match wanted.get(&**topic.name()) {
            Some(numbers) => Some(numbers),
            None => return Vec::new(),
        },
    };
    let asked = |number: i32| numbers.is_none_or(|numbers| numbers.contains(&number));
    let partitions = topic.partitions().iter();
    let partitions = partitions.filter(|handle| asked(handle.name().partition));
    partitions
        .map(|handle| DescribeLogDirsPartition {
            partition_index: handle.name().partition,
            partition_size: i64::try_from(handle.local_bytes()).unwrap_or(i64::MAX),
            ..DescribeLogDirsPartition::default()
        })
        .collect()
}
