//! By time, by epoch, aborted transactions, retention, truncation.

use std::time::Duration;

use super::support::*;
use crate::error::{Code, Kind};
use crate::log::{Append, Read};
use crate::record::{Batches, BuildOptions, control_batch};
use crate::types::{IsolationLevel, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp};

#[test]
fn time_lookup_agrees_with_a_walk_over_all_records() {
    let bench = Bench::new().with(|c| {
        c.segment_bytes = 600;
        c.index_interval_bytes = 100;
        c.segment_ms = i64::MAX;
    });
    let partition = bench.open();
    let times: Vec<i64> = (0..120)
        .map(|i: i64| NOW.get() + (i * 37) % 101 + i)
        .collect();
    for time in &times {
        append(&partition, &batch(Timestamp(*time), &[b"v"])).unwrap();
    }
    show(&partition);
    for reopened in [false, true] {
        let partition = match reopened {
            true => {
                partition.close().unwrap();
                &bench.open()
            }
            false => &partition,
        };
        for wanted in NOW.get() - 1..NOW.get() + 230 {
            let first = times.iter().position(|t| *t >= wanted);
            let first = first.map(|at| (Offset(at as i64), Timestamp(times[at])));
            let found = partition.offset_for_time(Timestamp(wanted)).unwrap();
            assert_eq!(found, first, "time {wanted}");
        }
        let latest = *times.iter().max().unwrap();
        let at = times.iter().position(|t| *t == latest).unwrap() as i64;
        let found = partition.max_timestamp().unwrap();
        assert_eq!(found, Some((Offset(at), Timestamp(latest))));
    }
}

#[test]
fn lookups_see_only_what_is_visible() {
    let partition = Bench::new().open();
    put(&partition, b"a");
    append(&partition, &batch(Timestamp(NOW.get() + 5), &[b"b"])).unwrap();
    assert_eq!(
        partition.offset_for_time(Timestamp(NOW.get() + 1)).unwrap(),
        None
    );
    assert_eq!(partition.max_timestamp().unwrap(), Some((Offset(0), NOW)));
    show(&partition);
    let found = Some((Offset(1), Timestamp(NOW.get() + 5)));
    assert_eq!(
        partition.offset_for_time(Timestamp(NOW.get() + 1)).unwrap(),
        found
    );
    assert_eq!(partition.max_timestamp().unwrap(), found);
}

#[test]
fn an_empty_partition_has_no_time() {
    let partition = Bench::new().open();
    assert_eq!(partition.offset_for_time(Timestamp(0)).unwrap(), None);
    assert_eq!(partition.max_timestamp().unwrap(), None);
}

fn transactional(sequence: i32) -> Vec<u8> {
    let options = BuildOptions {
        producer_id: ProducerId(7),
        producer_epoch: ProducerEpoch(0),
        base_sequence: sequence,
        transactional: true,
        ..BuildOptions::default()
    };
    batch_of(NOW, &[b"t"], &options)
}

#[test]
fn read_committed_stops_at_open_transactions_and_learns_of_aborted_ones() {
    let bench = Bench::new();
    let partition = bench.open();
    put(&partition, b"a");
    append(&partition, &transactional(0)).unwrap();
    put(&partition, b"b");
    let committed = |partition: &crate::log::Partition| {
        partition.read(Read {
            from: Offset(0),
            max_bytes: 1 << 20,
            at_least_one: true,
            isolation: IsolationLevel::ReadCommitted,
        })
    };
    let batches = |chunk: &crate::log::Chunk| Batches::new(&chunk.batches).count();
    let chunk = committed(&partition).unwrap();
    assert_eq!((batches(&chunk), chunk.ends.last_stable), (1, Offset(1)));
    let marker = control_batch(false, 0, NOW, ProducerId(7), ProducerEpoch(0));
    append_internal(&partition, &marker).unwrap();
    assert_eq!(
        partition.ends().last_stable,
        Offset(1),
        "the marker is not visible yet"
    );
    show(&partition);
    for unclean in [false, true] {
        let partition = match unclean {
            true => &bench.opened(false, Offset(0)).unwrap().partition,
            false => &partition,
        };
        let chunk = committed(partition).unwrap();
        assert_eq!((batches(&chunk), chunk.ends.last_stable), (4, Offset(4)));
        let aborted: Vec<_> = chunk
            .aborted
            .iter()
            .map(|a| (a.first_offset, a.last_offset))
            .collect();
        assert_eq!(aborted, [(Offset(1), Offset(3))]);
    }
}

#[test]
fn duplicates_get_their_old_offset_and_gaps_are_refused_also_after_reopening() {
    let bench = Bench::new();
    let mut partition = bench.open();
    assert_eq!(
        append(&partition, &transactional(0)).unwrap().base_offset,
        Offset(0)
    );
    assert_eq!(
        append(&partition, &transactional(1)).unwrap().base_offset,
        Offset(1)
    );
    for round in 0..3 {
        let again = append(&partition, &transactional(1)).unwrap();
        assert!(
            again.duplicate && again.base_offset == Offset(1) && again.last_offset == Offset(1)
        );
        let gap = append(&partition, &transactional(5)).unwrap_err();
        assert_eq!(gap.code(), Code::OutOfOrderSequenceNumber);
        show(&partition);
        partition = match round {
            0 => {
                partition.close().unwrap();
                bench.open()
            }
            _ => bench.opened(false, Offset(1)).unwrap().partition,
        };
    }
}

#[test]
fn retention_goes_by_time_and_by_size_and_never_beyond_the_visible_end() {
    let bench = Bench::new().with(|c| {
        c.segment_bytes = 300;
        c.retention_ms = Some(1000);
    });
    let partition = bench.open();
    for i in 0..20 {
        bench.clock.advance(Duration::from_millis(100));
        let time = Timestamp(NOW.get() + (i + 1) * 100);
        append(&partition, &batch(time, &[b"value"])).unwrap();
    }
    bench.clock.advance(Duration::from_millis(10));
    assert_eq!(partition.retain().unwrap(), 0, "nothing is visible");
    show(&partition);
    assert!(partition.retain().unwrap() > 0);
    let ends = partition.ends();
    assert!(
        ends.log_start > Offset(6) && ends.log_start <= Offset(10),
        "{ends:?}"
    );
    assert_eq!(ends.log_start, ends.local_start);
    assert_eq!(
        values_from(&partition, Offset(0), 10).unwrap_err().kind(),
        Kind::OutOfRange
    );
    let left = values(&partition);
    assert_eq!(left.first().map(|v| v.0), Some(ends.log_start.get()));

    let mut config = bench.config.clone();
    (config.retention_ms, config.retention_bytes) = (None, Some(500));
    partition.set_config(config.clone().into());
    partition.retain().unwrap();
    assert!(
        (500..900).contains(&partition.size_bytes()),
        "{}",
        partition.size_bytes()
    );

    config.retention_ms = Some(0);
    partition.set_config(config.into());
    bench.clock.advance(Duration::from_secs(60));
    partition.retain().unwrap();
    show(&partition);
    partition.retain().unwrap();
    assert_eq!((partition.size_bytes(), values(&partition).len()), (0, 0));
    assert_eq!(put(&partition, b"next"), Offset(20));
    partition.close().unwrap();
    assert_eq!(values(&bench.open()), [(20, b"next".to_vec())]);
}

#[test]
fn delete_records_hides_what_is_below_and_removes_whole_segments() {
    let bench = Bench::new().with(|c| c.segment_bytes = 300);
    let partition = bench.open();
    for _ in 0..20 {
        put(&partition, b"value");
    }
    let before = partition.size_bytes();
    assert_eq!(
        partition.delete_records(Offset(21)).unwrap_err().kind(),
        Kind::OutOfRange
    );
    assert_eq!(partition.delete_records(Offset(10)).unwrap(), Offset(10));
    assert!(partition.size_bytes() < before);
    assert_eq!(values(&partition)[0].0, 10);
    assert_eq!(
        partition.delete_records(Offset(3)).unwrap(),
        Offset(10),
        "never back"
    );
    assert_eq!(partition.delete_records(Offset(-1)).unwrap(), Offset(20));
    assert_eq!(values(&partition), []);
    assert_eq!(put(&partition, b"next"), Offset(20));
}

#[test]
fn truncation_takes_the_end_and_the_log_goes_on_there() {
    for (end, left) in [(25, 25), (24, 24), (7, 7), (1, 1), (0, 0)] {
        let bench = Bench::new().with(|c| {
            c.segment_bytes = 300;
            c.index_interval_bytes = 100;
        });
        let partition = bench.open();
        for i in 0..30 {
            let epoch = LeaderEpoch(i / 10);
            let batches = &batch(NOW, &[format!("{i}").as_bytes()]);
            let append = Append {
                batches,
                leader_epoch: epoch,
                internal: false,
                trusted: false,
            };
            partition.append(append).unwrap();
        }
        show(&partition);
        let held = partition.sealed_bytes(Offset(0)).unwrap();
        let copy = held.to_vec();
        assert_eq!(partition.truncate_to(Offset(end)).unwrap(), Offset(left));
        assert_eq!(held, copy, "readers keep what they hold");
        let ends = partition.ends();
        assert_eq!(
            (ends.appended, ends.visible, ends.durable),
            (Offset(left), Offset(left), Offset(left))
        );
        assert_eq!(values(&partition).len() as i64, left);
        let epoch = partition.epoch_end(LeaderEpoch(2));
        assert_eq!(epoch.is_some(), end > 20);
        assert_eq!(put(&partition, b"new"), Offset(left));
        partition.close().unwrap();
        assert_eq!(values(&bench.open()).len() as i64, left + 1);
    }
}

#[test]
fn age_rolls_by_record_time_on_append_and_by_the_clock_otherwise() {
    let bench = Bench::new().with(|c| c.segment_ms = 1000);
    let partition = bench.open();
    append(&partition, &batch(NOW, &[b"a"])).unwrap();
    append(&partition, &batch(Timestamp(NOW.get() + 1000), &[b"b"])).unwrap();
    assert!(!partition.roll(false).unwrap());
    append(&partition, &batch(Timestamp(NOW.get() + 1001), &[b"c"])).unwrap();
    show(&partition);
    assert_eq!(partition.sealed().len(), 1);
    bench.clock.advance(Duration::from_millis(1001));
    assert!(partition.roll(false).unwrap());
    assert!(
        !partition.roll(true).unwrap(),
        "an empty segment is not sealed"
    );
    show(&partition);
    assert_eq!(partition.sealed().len(), 2);
}
