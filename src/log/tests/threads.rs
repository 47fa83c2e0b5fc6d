//! Many threads at one partition.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::support::*;
use crate::disk::RealDisk;
use crate::error::Kind;
use crate::log::{Commit, Flusher, Partition};
use crate::types::Offset;

const RECORDS: i64 = 3000;

fn value(at: i64) -> Vec<u8> {
    format!("value {at}").into_bytes()
}

/// Reads everything once from where the log starts, again and again; each offset has its value,
/// none is missing but what retention took.
fn reader(partition: &Partition, done: &AtomicBool) -> usize {
    let mut rounds = 0;
    loop {
        let last = done.load(Ordering::SeqCst);
        let mut at = partition.ends().log_start;
        loop {
            let found = match values_from(partition, at, 700) {
                Ok(found) => found,
                Err(e) if e.kind() == Kind::OutOfRange => {
                    at = partition.ends().log_start;
                    continue;
                }
                Err(e) => panic!("{e:?}"),
            };
            for (offset, got) in &found {
                assert_eq!(*offset, at.get(), "no offset is left out");
                assert_eq!(*got, value(*offset));
                at = at.next();
            }
            if found.is_empty() {
                break;
            }
        }
        rounds += 1;
        if last {
            return rounds;
        }
    }
}

#[test]
fn readers_see_every_record_while_segments_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::on(Arc::new(RealDisk::new()), dir.path().join("t-0")).with(|c| {
        c.segment_bytes = 2000;
        c.index_interval_bytes = 200;
        c.retention_bytes = Some(20_000);
        c.retention_ms = None;
    });
    let partition = bench.open();
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| assert!(reader(&partition, &done) > 0));
        }
        let upkeep = threads.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                partition.retain().unwrap();
                partition.rest();
                partition.snapshot().unwrap();
                let _ = partition.offset_for_time(NOW).unwrap();
                let _ = partition.max_timestamp().unwrap();
                std::thread::yield_now();
            }
        });
        for at in 0..RECORDS {
            append(&partition, &batch(NOW, &[&value(at)])).unwrap();
            if at % 7 == 0 {
                show(&partition);
            }
        }
        show(&partition);
        done.store(true, Ordering::SeqCst);
        upkeep.join().unwrap();
    });
    let ends = partition.ends();
    assert_eq!(
        (ends.appended, ends.visible),
        (Offset(RECORDS), Offset(RECORDS))
    );
    assert!(ends.log_start > Offset::ZERO);
    partition.close().unwrap();
    assert_eq!(bench.open().ends().appended, Offset(RECORDS));
}

#[derive(Debug)]
struct Committed(Partition);

impl Commit for Committed {
    fn commit(&self) {
        show(&self.0);
    }
}

#[test]
fn the_flusher_makes_every_append_durable_and_shares_the_syncs() {
    let bench = Bench::new();
    let flusher = Flusher::start(2);
    let partitions: Vec<Arc<Committed>> = (0..4)
        .map(|at| {
            let mut bench = bench.clone();
            bench.dir = format!("/data/t-{at}").into();
            Arc::new(Committed(bench.open()))
        })
        .collect();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for at in 0..200 {
                    let to = &partitions[at % partitions.len()];
                    append(&to.0, &batch(NOW, &[b"v"])).unwrap();
                    flusher.request(to.clone());
                }
            });
        }
    });
    flusher.stop();
    for partition in &partitions {
        let ends = partition.0.ends();
        assert_eq!((ends.durable, ends.visible), (Offset(200), Offset(200)));
    }
    // A request after the end is served as well.
    append(&partitions[0].0, &batch(NOW, &[b"v"])).unwrap();
    flusher.request(partitions[0].clone());
    assert_eq!(partitions[0].0.ends().durable, Offset(201));
}

#[test]
fn writers_queue_and_no_offset_is_given_twice() {
    let partition = Bench::new().with(|c| c.segment_bytes = 5000).open();
    let mut offsets: Vec<i64> = std::thread::scope(|threads| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                threads.spawn(|| {
                    (0..500)
                        .map(|_| append(&partition, &batch(NOW, &[b"v"])).unwrap())
                        .map(|a| a.base_offset.get())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        writers
            .into_iter()
            .flat_map(|w| w.join().unwrap())
            .collect()
    });
    offsets.sort_unstable();
    assert_eq!(offsets, (0..2000).collect::<Vec<_>>());
}
