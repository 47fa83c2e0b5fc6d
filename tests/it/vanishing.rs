//! Segments that go while somebody asks for something in them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use levada::clock::ManualClock;
use levada::config::TopicConfig;
use levada::log::{Append, NoColdStore, Partition, PartitionOptions};
use levada::record::{BatchBuilder, BuildOptions, control_batch};
use levada::types::{
    LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp, TopicId, TopicPartition,
};

use super::hooked::Hooked;

const NOW: i64 = 1_700_000_000_000;

fn open(disk: &Arc<Hooked>) -> Arc<Partition> {
    let config = TopicConfig {
        segment_bytes: 1000,
        index_interval_bytes: 150,
        ..TopicConfig::default()
    };
    let opened = Partition::open(PartitionOptions {
        disk: disk.clone(),
        clock: Arc::new(ManualClock::new(Timestamp(NOW))),
        cold: Arc::new(NoColdStore),
        dir: PathBuf::from("/t-0"),
        name: TopicPartition::new("t", 0),
        topic_id: TopicId::METADATA,
        config: Arc::new(config),
        clean: true,
        recovery_point: Offset::ZERO,
        log_start: None,
    });
    Arc::new(opened.unwrap().partition)
}

fn append(partition: &Partition, batches: &[u8], internal: bool) {
    let append = Append {
        batches,
        leader_epoch: LeaderEpoch::FIRST,
        internal,
        trusted: false,
    };
    partition.append(append).unwrap();
}

/// A transaction that is aborted in the first segment, then records of ascending times.
fn filled(disk: &Arc<Hooked>) -> Arc<Partition> {
    let partition = open(disk);
    let mut builder = BatchBuilder::default();
    builder.push(Timestamp(NOW), None, Some(b"taken back"), &[]);
    let options = BuildOptions {
        producer_id: ProducerId(7),
        producer_epoch: ProducerEpoch(0),
        base_sequence: 0,
        transactional: true,
        ..BuildOptions::default()
    };
    append(&partition, builder.finish(&options).unwrap(), false);
    let (id, epoch) = (ProducerId(7), ProducerEpoch(0));
    append(
        &partition,
        &control_batch(false, 0, Timestamp(NOW), id, epoch),
        true,
    );
    for n in 2..100 {
        builder.clear();
        builder.push(Timestamp(NOW + n), None, Some(b"value"), &[]);
        append(
            &partition,
            builder.finish(&BuildOptions::default()).unwrap(),
            false,
        );
    }
    partition.roll(true).unwrap();
    partition.set_visible(partition.sync().unwrap());
    partition.close().unwrap();
    // Nothing of it is in memory.
    open(disk)
}

/// Has the records below offset 50 deleted when a file whose name ends so is about to be opened.
fn delete_at(disk: &Hooked, partition: &Arc<Partition>, ending: &'static str) -> Arc<AtomicBool> {
    let done = Arc::new(AtomicBool::new(false));
    let (partition, deleted) = (partition.clone(), done.clone());
    disk.each(move |_, name| {
        if name.ends_with(ending) && !deleted.swap(true, Ordering::SeqCst) {
            partition.delete_records(Offset(50)).unwrap();
        }
    });
    done
}

#[test]
fn a_time_is_looked_up_again_when_a_segment_goes() {
    let disk = Hooked::new();
    let partition = filled(&disk);
    let deleted = delete_at(&disk, &partition, ".timeindex");
    let found = partition.offset_for_time(Timestamp(NOW + 1)).unwrap();
    assert!(deleted.load(Ordering::SeqCst));
    assert_eq!(found, Some((Offset(50), Timestamp(NOW + 50))));
}

#[test]
fn the_latest_time_is_looked_up_again_when_a_segment_goes() {
    let disk = Hooked::new();
    let partition = filled(&disk);
    let deleted = delete_at(&disk, &partition, ".timeindex");
    let found = partition.max_timestamp().unwrap();
    assert!(deleted.load(Ordering::SeqCst));
    assert_eq!(found, Some((Offset(99), Timestamp(NOW + 99))));
}

#[test]
fn aborted_transactions_are_looked_up_again_when_a_segment_goes() {
    let disk = Hooked::new();
    let partition = filled(&disk);
    let deleted = delete_at(&disk, &partition, ".txnindex");
    assert_eq!(partition.aborted(Offset(0), Offset(100)).unwrap(), []);
    assert!(deleted.load(Ordering::SeqCst));
}
