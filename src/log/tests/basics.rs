//! Opening, appending, reading, rolling.

use super::support::*;
use crate::error::Kind;
use crate::types::{LeaderEpoch, Offset};

#[test]
fn what_is_appended_is_read_after_it_is_visible_and_after_a_clean_reopening() {
    let bench = Bench::new();
    let partition = bench.open();
    append(&partition, &batch(NOW, &[b"a", b"b"])).unwrap();
    assert_eq!(values(&partition), [], "not visible yet");
    show(&partition);
    let wanted = vec![(0, b"a".to_vec()), (1, b"b".to_vec())];
    assert_eq!(values(&partition), wanted);
    partition.close().unwrap();
    let opened = bench.opened(true, Offset::ZERO).unwrap();
    assert_eq!(opened.recovered, Default::default());
    assert_eq!(values(&opened.partition), wanted);
    assert_eq!(put(&opened.partition, b"c"), Offset(2));
    let end = opened.partition.epoch_end(LeaderEpoch::FIRST);
    assert_eq!(end, Some((LeaderEpoch::FIRST, Offset(3))));
}

#[test]
fn segments_roll_by_size_and_every_offset_is_found() {
    let bench = Bench::new().with(|c| {
        c.segment_bytes = 1000;
        c.index_interval_bytes = 100;
    });
    let partition = bench.open();
    let wanted: Vec<(i64, Vec<u8>)> = (0..200).map(|i| (i, format!("value {i}").into())).collect();
    for (_, value) in &wanted {
        put(&partition, value);
    }
    assert!(partition.sealed().len() > 10);
    for reopened in [false, true] {
        let partition = match reopened {
            false => &partition,
            true => {
                partition.close().unwrap();
                &bench.open()
            }
        };
        for from in 0..=200_usize {
            for max_bytes in [1, 100, 500, 100_000] {
                let found = values_from(partition, Offset(from as i64), max_bytes).unwrap();
                assert_eq!(found, wanted[from..]);
            }
        }
        let beyond = values_from(partition, Offset(201), 100).unwrap_err();
        assert_eq!(beyond.kind(), Kind::OutOfRange);
    }
}

#[test]
fn an_unclean_opening_keeps_what_was_synced_and_rebuilds_the_indexes() {
    let bench = Bench::new().with(|c| {
        c.segment_bytes = 1000;
        c.index_interval_bytes = 100;
    });
    let partition = bench.open();
    for i in 0..50 {
        put(&partition, format!("value {i}").as_bytes());
    }
    let wanted = values(&partition);
    drop(partition);
    for point in [0, 20, 50] {
        let opened = bench.opened(false, Offset(point)).unwrap();
        assert!(opened.recovered.scanned_bytes > 0 && opened.recovered.cut.is_none());
        assert_eq!(values(&opened.partition), wanted);
        for from in 0..50 {
            let found = values_from(&opened.partition, Offset(from), 1).unwrap();
            assert_eq!(found.len() as i64, 50 - from);
        }
    }
}

#[test]
fn a_closed_partition_says_so() {
    let partition = Bench::new().open();
    put(&partition, b"a");
    partition.close().unwrap();
    let refused = append(&partition, &batch(NOW, &[b"b"])).unwrap_err();
    assert_eq!(refused.kind(), Kind::Closed);
    assert_eq!(
        values_from(&partition, Offset(0), 10).unwrap_err().kind(),
        Kind::Closed
    );
    partition.close().unwrap();
}
