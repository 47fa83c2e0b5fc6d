//! What must be there: written down from acknowledgements and reads, compared with a database opened
//! after the crash.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use levada::embedded::{ConsumerOptions, Database, Start};
use levada::types::TopicPartition;

/// Value of each record seen or acknowledged, by partition and offset.
#[derive(Debug, Default)]
pub struct Ledger {
    records: BTreeMap<(String, i32, i64), String>,
    /// Everything that was ever sent: nothing else may turn up.
    latest_by_key: BTreeMap<String, u64>,
}

impl Ledger {
    /// `acknowledged` or read before the crash.
    pub fn note(&mut self, topic: &str, partition: i32, offset: i64, value: &str) {
        let before = self
            .records
            .insert((topic.into(), partition, offset), value.into());
        assert!(
            before.is_none_or(|b| b == value),
            "{topic}-{partition}@{offset} changed its value"
        );
    }

    /// A write to the compacted topic: version `version` of `key` was acknowledged.
    pub fn note_key(&mut self, key: &str, version: u64) {
        let latest = self.latest_by_key.entry(key.into()).or_default();
        *latest = version.max(*latest);
    }

    pub fn len(&self) -> usize {
        self.records.len() + self.latest_by_key.len()
    }

    /// Compares with what `db` holds: every record noted is there, unchanged, at its offset; no value
    /// twice; offsets ascend without a gap.
    pub fn check(&self, db: &Database, topic: &str, context: &str) {
        let held = read_all(db, topic);
        for ((t, partition, offset), value) in self.records.iter().filter(|((t, ..), _)| t == topic)
        {
            let found = held.get(&(*partition, *offset));
            assert_eq!(
                found.map(|r| r.1.as_str()),
                Some(value.as_str()),
                "{context}: {t}-{partition}@{offset}"
            );
        }
        let mut seen = BTreeSet::new();
        let mut last: BTreeMap<i32, i64> = BTreeMap::new();
        for ((partition, offset), (_, value)) in &held {
            assert!(
                seen.insert(value.clone()),
                "{context}: {value} is there twice"
            );
            if let Some(before) = last.insert(*partition, *offset) {
                assert_eq!(
                    before + 1,
                    *offset,
                    "{context}: a gap in {topic}-{partition}"
                );
            }
        }
    }

    /// The compacted topic: of each key a version at least as new as the newest acknowledged.
    pub fn check_keys(&self, db: &Database, topic: &str, context: &str) {
        let mut newest: BTreeMap<String, u64> = BTreeMap::new();
        let mut last: BTreeMap<i32, i64> = BTreeMap::new();
        for ((partition, offset), (key, value)) in read_all(db, topic) {
            let version: u64 = value.parse().expect("a version");
            let before = newest.insert(key.clone(), version);
            assert!(
                before.is_none_or(|b| b < version),
                "{context}: {key} went back from {before:?} to {version}"
            );
            assert!(
                last.insert(partition, offset).is_none_or(|b| b < offset),
                "{context}: order"
            );
        }
        for (key, version) in &self.latest_by_key {
            let found = newest.get(key);
            assert!(
                found.is_some_and(|f| f >= version),
                "{context}: {key} is at {found:?}, acknowledged {version}"
            );
        }
    }
}

/// Key and value of every record, by partition and offset.
fn read_all(db: &Database, topic: &str) -> BTreeMap<(i32, i64), (String, String)> {
    let handle = db.engine().topic(topic).expect("the topic is there");
    let options = ConsumerOptions {
        start: Start::Earliest,
        ..ConsumerOptions::default()
    };
    let consumer = db.consumer(options).expect("a consumer");
    let partitions: Vec<_> = (0..handle.partitions().len())
        .map(|p| TopicPartition::new(topic, p as i32))
        .collect();
    consumer.assign(&partitions).expect("assigned");
    let mut all = BTreeMap::new();
    let mut ends = BTreeMap::new();
    for partition in &partitions {
        ends.insert(
            partition.clone(),
            consumer.bounds(partition).expect("bounds").1,
        );
    }
    loop {
        let behind = partitions
            .iter()
            .any(|p| consumer.position(p).expect("position") < ends[p]);
        if !behind {
            break;
        }
        for batch in consumer
            .poll(Some(10_000), Duration::from_secs(10))
            .expect("readable")
        {
            let partition = batch.topic_partition().partition;
            for record in batch.iter() {
                let text = |bytes: Option<&[u8]>| {
                    String::from_utf8(bytes.unwrap_or_default().to_vec()).expect("UTF-8")
                };
                let before = all.insert(
                    (partition, record.offset.get()),
                    (text(record.key), text(record.value)),
                );
                assert!(before.is_none(), "offset {} given twice", record.offset);
            }
        }
    }
    all
}
