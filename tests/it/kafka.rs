//! Our files and Kafka's: its tool reads our directories, we open its own. Where `LEVADA_KAFKA_LIBS`
//! names no directory with Kafka's jars (`make test` fetches them where Java and Maven are), the tool is
//! not run, and the test says so.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use levada::clock::SystemClock;
use levada::codec::compression::Compression;
use levada::config::TopicConfig;
use levada::disk::RealDisk;
use levada::embedded::{Database, Message, ProducerOptions};
use levada::engine::{Job, NewTopic};
use levada::log::{NoColdStore, Partition, PartitionOptions, Read};
use levada::record::Batches;
use levada::types::{IsolationLevel, Offset, TopicId, TopicPartition};

fn kafka_libs() -> Option<String> {
    let libs = std::env::var("LEVADA_KAFKA_LIBS")
        .ok()
        .filter(|l| !l.is_empty());
    if libs.is_none() {
        eprintln!("LEVADA_KAFKA_LIBS is not set: Kafka's tool is not run");
    }
    libs
}

/// A directory with all codecs, headers, nulls, compaction, many segments.
fn write_everything(dir: &Path) {
    let db = Database::open(dir).unwrap();
    let mut plain = NewTopic::new("plain", 2);
    plain.config = vec![
        ("internal.segment.bytes".into(), "16384".into()),
        ("max.message.bytes".into(), "4096".into()),
    ];
    let mut compacted = NewTopic::new("compacted", 1);
    compacted.config = vec![
        ("internal.segment.bytes".into(), "16384".into()),
        ("max.message.bytes".into(), "4096".into()),
        ("cleanup.policy".into(), "compact".into()),
        ("min.cleanable.dirty.ratio".into(), "0.01".into()),
    ];
    db.engine().create_topic(&plain).unwrap();
    db.engine().create_topic(&compacted).unwrap();
    for compression in Compression::ALL {
        let options = ProducerOptions {
            compression,
            ..ProducerOptions::default()
        };
        let producer = db.producer(options).unwrap();
        for n in 0..2000u32 {
            let value = format!("value {n} of {}", compression.name());
            let key = format!("key {}", n % 50);
            let headers: &[(&[u8], Option<&[u8]>)] = &[(b"h", Some(b"1")), (b"h", None)];
            let message = Message {
                key: (n % 3 > 0).then_some(key.as_bytes()),
                value: (n % 7 > 0).then_some(value.as_bytes()),
                headers: if n % 5 == 0 { headers } else { &[] },
                ..Message::default()
            };
            producer.send("plain", message).unwrap();
            let message = Message {
                key: Some(key.as_bytes()),
                value: Some(value.as_bytes()),
                ..Message::default()
            };
            producer.send("compacted", message).unwrap();
        }
        producer.close(Duration::from_secs(30)).unwrap();
    }
    assert!(
        db.engine().run_job(Job::Compact).unwrap() > 0,
        "nothing was compacted"
    );
    db.close().unwrap();
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    found.sort();
    found
}

fn dump(libs: &str, options: &[&str], files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
    let output = Command::new("java")
        .args([
            "-cp",
            &format!("{libs}/*"),
            "org.apache.kafka.tools.DumpLogSegments",
        ])
        .args(options)
        .args(["--files", &names.join(",")])
        .output()
        .expect("java runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[test]
fn kafka_reads_our_transactions() {
    let Some(libs) = kafka_libs() else { return };
    let root = tempfile::tempdir().unwrap();
    let db = Database::open(root.path().join("data")).unwrap();
    db.engine().create_topic(&NewTopic::new("t", 2)).unwrap();
    let options = ProducerOptions {
        transactional_id: Some("tx".to_owned()),
        ..ProducerOptions::default()
    };
    let producer = db.producer(options).unwrap();
    let wait = Duration::from_secs(30);
    for commit in [true, false] {
        producer.begin().unwrap();
        for partition in 0..2 {
            let message = Message {
                partition: Some(partition),
                value: Some(b"v"),
                ..Message::default()
            };
            producer.send("t", message).unwrap();
        }
        producer.flush(wait).unwrap();
        match commit {
            true => producer.commit(wait).unwrap(),
            false => producer.abort(wait).unwrap(),
        }
    }
    producer.until_visible(wait);
    db.close().unwrap();
    let place = levada::engine::txn::state_partition("tx", 50);
    let dir = root
        .path()
        .join(format!("data/__transaction_state-{place}"));
    let text = dump(&libs, &["--transaction-log-decoder"], &files(&dir, "log"));
    assert!(
        !text.contains("Invalid") && !text.contains("mismatch"),
        "{text}"
    );
    // Empty, ongoing, prepared and complete; ongoing, prepared and complete.
    assert_eq!(text.matches("transactionalId\":\"tx").count(), 7, "{text}");
    for (states, count) in [(1, 2), (2, 1), (3, 1), (4, 1), (5, 1)] {
        let said = format!("transactionStatus\":{states},");
        assert_eq!(text.matches(&said).count(), count, "{text}");
    }
    let logs = files(&root.path().join("data/t-0"), "log");
    let text = dump(&libs, &["--print-data-log", "--deep-iteration"], &logs);
    for marker in ["endTxnMarker: COMMIT", "endTxnMarker: ABORT"] {
        assert_eq!(text.matches(marker).count(), 1, "{text}");
    }
}

#[test]
fn kafkas_dump_log_segments_reads_our_directories_without_complaint() {
    let Some(libs) = kafka_libs() else { return };
    let root = tempfile::tempdir().unwrap();
    write_everything(&root.path().join("data"));
    let mut records = 0;
    for name in ["plain-0", "plain-1", "compacted-0"] {
        let dir = root.path().join("data").join(name);
        let logs = files(&dir, "log");
        assert!(logs.len() > 1, "{name} has one segment only");
        let text = dump(&libs, &["--deep-iteration"], &logs);
        assert!(!text.contains("isvalid: false"), "{name}: {text}");
        for complaint in [
            "Mismatches",
            "Non-consecutive",
            "Non-monotonic",
            "Found invalid",
        ] {
            // Offsets that compaction left out are no complaint of a compacted topic.
            assert!(
                !text.contains(complaint) || name == "compacted-0",
                "{name}: {complaint}"
            );
        }
        let found = text
            .lines()
            .filter(|line| line.starts_with("| offset:"))
            .count();
        records += if name == "compacted-0" { 0 } else { found };
        assert!(found > 0, "{name}: {text}");
        for extension in ["index", "timeindex"] {
            let text = dump(&libs, &["--index-sanity-check"], &files(&dir, extension));
            let complains = text.contains("Mismatches")
                || text.contains("corrupt")
                || text.contains("Exception");
            assert!(!complains, "{name}: {text}");
        }
    }
    assert_eq!(records, 2000 * Compression::ALL.len());
}

#[test]
fn a_directory_that_a_kafka_broker_wrote_opens_with_equal_records() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/log");
    for (name, clean) in [
        ("kafka-clean", true),
        ("kafka-clean", false),
        ("kafka-killed", false),
    ] {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("t-0");
        std::fs::create_dir(&dir).unwrap();
        let mut expected: Vec<(i64, i64, u32)> = Vec::new();
        for entry in std::fs::read_dir(golden.join(name)).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, dir.join(path.file_name().unwrap())).unwrap();
        }
        for log in files(&golden.join(name), "log") {
            let bytes = std::fs::read(log).unwrap();
            expected.extend(Batches::new(&bytes).map(|b| facts(b.unwrap().header())));
        }
        let text = std::fs::read_to_string(dir.join("partition.metadata")).unwrap();
        let id = text
            .lines()
            .find_map(|l| l.strip_prefix("topic_id: "))
            .and_then(TopicId::parse)
            .unwrap();
        let opened = Partition::open(PartitionOptions {
            disk: Arc::new(RealDisk::default()),
            clock: Arc::new(SystemClock::default()),
            cold: Arc::new(NoColdStore),
            dir,
            name: TopicPartition::new("t", 0),
            topic_id: id,
            config: Arc::new(TopicConfig::default()),
            clean,
            recovery_point: Offset::ZERO,
            log_start: None,
        })
        .unwrap_or_else(|e| panic!("{name}: {e}"));
        let partition = opened.partition;
        assert_eq!(
            opened.recovered.cut_bytes, 0,
            "{name}: {:?}",
            opened.recovered
        );
        partition.set_visible(partition.ends().appended);
        assert_eq!(read_facts(&partition), expected, "{name}, clean: {clean}");
    }
}

fn facts(header: &levada::record::BatchHeader) -> (i64, i64, u32) {
    (
        header.base_offset.get(),
        header.last_offset().get(),
        header.crc,
    )
}

fn read_facts(partition: &Partition) -> Vec<(i64, i64, u32)> {
    let mut all = Vec::new();
    let mut from = partition.ends().log_start;
    while from < partition.ends().visible {
        let read = Read {
            from,
            max_bytes: 1000,
            at_least_one: true,
            isolation: IsolationLevel::ReadUncommitted,
        };
        let chunk = partition.read(read).unwrap();
        for batch in Batches::new(&chunk.batches) {
            let header = *batch.unwrap().header();
            all.push(facts(&header));
            from = header.next_offset();
        }
    }
    all
}
