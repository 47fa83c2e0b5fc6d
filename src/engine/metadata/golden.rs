//! A metadata log and a snapshot that Apache Kafka wrote (`tests/golden/metadata`), read by ours; and
//! ours, read by Kafka's own tool where one is at hand.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::*;
use crate::clock::SystemClock;
use crate::config::Overrides;
use crate::disk::{Disk, RealDisk};
use crate::record::{Batches, Records};
use crate::types::{LeaderEpoch, Offset, TopicId};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/metadata")
}

/// The values of all records that are no control records, with their times.
fn each(bytes: &[u8], mut on: impl FnMut(&[u8], crate::types::Timestamp)) {
    let mut scratch = Vec::new();
    for batch in Batches::new(bytes) {
        let batch = batch.unwrap();
        batch.check_crc().unwrap();
        if !batch.header().attributes.is_control() {
            let records: Records<'_> = batch.records(&mut scratch, 1 << 20).unwrap();
            for record in records {
                let record = record.unwrap();
                on(record.value.unwrap(), record.timestamp);
            }
        }
    }
}

#[test]
fn kafkas_log_gives_the_image_that_kafka_had() {
    let path = golden().join("00000000000000000000.log");
    let bytes = RealDisk::default().map(&path).unwrap();
    let mut image = MetadataImage::default();
    let (mut skipped, mut refused) = (Vec::new(), Vec::new());
    each(&bytes, |value, at| {
        let key = value[1];
        match MetadataRecord::decode(value) {
            Ok(Some(record)) => {
                // Where the version is the one that we write, ours are Kafka's bytes.
                if record.key() != 0 {
                    assert_eq!(record.encode(), value, "{record:?}");
                }
                image.apply(record, at).unwrap();
            }
            Ok(None) => skipped.push(key),
            Err(e) => {
                assert_eq!(e.kind(), crate::Kind::Invalid, "{e}");
                refused.push(key);
            }
        }
    });
    skipped.dedup();
    assert_eq!(skipped, [27, 17], "how nodes come and go");
    assert_eq!(
        refused,
        [23, 24],
        "the transaction around Kafka's bootstrap"
    );

    let topic = image.topic("a.b").unwrap();
    assert_eq!(topic.id, TopicId::parse("eA5kpL7wQYextipNAAGZ1Q").unwrap());
    assert_eq!(topic.partition_count(), 4);
    let config = Overrides::from([("segment.ms".to_owned(), "99999".to_owned())]);
    assert_eq!(topic.config, config);
    // The orderly stop took the leader away.
    let partition = &topic.partitions[&3];
    assert_eq!((partition.leader, partition.leader_epoch), (-1, 1));
    assert_eq!(partition.eligible_leader_replicas, Some(vec![1]));
    assert_eq!(image.topic_count(), 1);
    assert_eq!(image.deleting().next().unwrap().name.as_ref(), "gone");
    assert_eq!(
        image.broker_config(None).unwrap()["log.retention.ms"],
        "99999"
    );
    assert_eq!(image.feature("metadata.version"), 33);
    let broker = image.broker(1).unwrap();
    assert_eq!(broker.end_points[0].port, 19391);
}

#[test]
fn kafkas_snapshot_is_read() {
    let id = snapshot::SnapshotId {
        end: Offset(0),
        epoch: LeaderEpoch(0),
    };
    let image = snapshot::read(&RealDisk::default(), &golden(), id).unwrap();
    assert_eq!(image.feature("metadata.version"), 33);
    assert_eq!(image.feature("transaction.version"), 2);
}

/// Kafka's jars: `LEVADA_KAFKA_LIBS` names their directory.
fn kafka_dump(files: &[PathBuf]) -> Option<String> {
    let libs = std::env::var("LEVADA_KAFKA_LIBS").ok()?;
    let files: Vec<_> = files.iter().map(|f| f.display().to_string()).collect();
    let out = Command::new("java")
        .args(["-Xmx256m", "-cp", &format!("{libs}/*")])
        .arg("org.apache.kafka.tools.DumpLogSegments")
        .args(["--cluster-metadata-decoder", "--files", &files.join(",")])
        .output();
    let out = out.expect("java runs where LEVADA_KAFKA_LIBS is set");
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(
        out.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&out.stderr)
    );
    Some(said)
}

#[test]
fn kafkas_tool_reads_our_log_and_snapshot() {
    let root = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::default());
    let clock = Arc::new(SystemClock::default());
    let data = DataDir::open(disk.clone(), root.path()).unwrap();
    let options = StoreOptions::new(disk, clock, root.path());
    let (store, _) = MetadataStore::open(&options).unwrap();
    let node = LocalNode {
        id: data.identity().node_id,
        directory_id: data.identity().directory_id,
        config: Overrides::new(),
    };
    let mut orders = NewTopic::new("orders", 3);
    orders.config = vec![("cleanup.policy".to_owned(), "compact".to_owned())];
    store.commit(|i| i.create_topic(&orders, &node)).unwrap();
    let gone = NewTopic::new("gone", 1);
    store.commit(|i| i.create_topic(&gone, &node)).unwrap();
    store.commit(|i| i.delete_topic("gone")).unwrap();
    let block = store.commit_with(|i| i.allocate_producer_ids(1000, &node));
    assert_eq!(block.unwrap().get(), 0);
    store.close().unwrap();

    let dir = root.path().join("__cluster_metadata-0");
    let log = dir.join("00000000000000000000.log");
    let snapshot = dir.join("00000000000000000011-0000000001.checkpoint");
    assert!(log.exists() && snapshot.exists());
    for (file, wanted) in [(log, "REMOVE_TOPIC_RECORD"), (snapshot, "SnapshotFooter")] {
        let Some(said) = kafka_dump(&[file]) else {
            return;
        };
        assert!(!said.contains("isvalid: false"), "{said}");
        let topic_id = format!("\"topicId\":\"{}\"", orders.id);
        for text in [
            wanted,
            "\"name\":\"orders\"",
            &topic_id,
            "\"name\":\"cleanup.policy\",\"value\":\"compact\"",
            "\"partitionId\":2",
            "\"nextProducerId\":1000",
            "\"name\":\"levada.version\",\"featureLevel\":1",
        ] {
            assert!(said.contains(text), "{text} is missing in:\n{said}");
        }
    }
}
