//! Record-exactness.

use proptest::prelude::*;

use super::super::arrow::PLAIN_BATCH_BYTES_MAX;
use super::super::{Retain, Segment};
use super::support::*;
use crate::log::{Aborted, ColdStore};
use crate::record::{BatchHeader, Batches, PlainRecords};
use crate::types::{LeaderEpoch, Offset, ProducerId, Timestamp};

/// Header and plain records of each batch; the bytes where they were not compressed.
fn batches(bytes: &bytes::Bytes) -> Vec<(BatchHeader, bytes::Bytes)> {
    let mut all = Vec::new();
    let mut position = 0;
    for batch in Batches::new(bytes) {
        let batch = batch.unwrap();
        batch.check_crc().unwrap();
        let own = bytes.slice(position..position + batch.bytes().len());
        position += batch.bytes().len();
        let plain = PlainRecords::open(&own, PLAIN_BATCH_BYTES_MAX).unwrap();
        let mut header = *batch.header();
        if header.attributes.0 & 7 != 0 {
            (header.crc, header.size_bytes) = (0, 0);
        }
        all.push((header, plain.payload));
    }
    assert_eq!(position, bytes.len());
    all
}

fn read_all(archive: &impl ColdStore, from: i64, max_bytes: usize) -> bytes::Bytes {
    let mut all = Vec::new();
    let mut position = Offset(from);
    loop {
        let got = archive.read(position, max_bytes).unwrap();
        if got.is_empty() {
            return all.into();
        }
        position = Batches::new(&got)
            .last()
            .unwrap()
            .unwrap()
            .header()
            .next_offset();
        all.extend_from_slice(&got);
    }
}

fn comes_back(segments: &[Segment]) {
    let home = Home::new();
    let archive = home.open().unwrap();
    let (first, rest) = segments.split_at(segments.len().div_ceil(2));
    for part in [first, rest] {
        archive.archive(part, &[], 2).unwrap();
    }
    let sent: Vec<_> = segments.iter().flat_map(|s| batches(&s.bytes)).collect();
    let got = batches(&read_all(&archive, 0, 1 << 20));
    assert_eq!(got.len(), sent.len());
    for (got, sent) in got.iter().zip(&sent) {
        assert_eq!(got, sent);
    }
    let one_by_one = batches(&read_all(&archive, 0, 1));
    assert_eq!(one_by_one, sent);
    // Every offset leads to the batch that holds it, or the next.
    for (at, (header, _)) in sent.iter().enumerate() {
        for offset in [header.base_offset, header.last_offset()] {
            let found = archive.read(offset, 1).unwrap();
            assert_eq!(batches(&found)[0], sent[at], "offset {offset}");
        }
    }
    home.open().unwrap().archive(segments, &[], 1).unwrap();
    assert_eq!(
        archive.files(),
        home.open().unwrap().files(),
        "again changes nothing"
    );
}

fn bytes_strategy() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        Just(None),
        Just(Some(Vec::new())),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Some),
        Just(Some(vec![7; 3000])),
    ]
}

fn rec_strategy() -> impl Strategy<Value = Rec> {
    let times = prop_oneof![
        4 => 1_600_000_000_000i64..1_700_000_000_000,
        1 => Just(-1), 1 => Just(0), 1 => Just(i64::MAX), 1 => Just(-5), 1 => Just(i64::MAX / 1000 + 1),
    ];
    let key = proptest::collection::vec(any::<u8>(), 0..20);
    let text = "[a-zé]{0,16}".prop_map(String::into_bytes);
    let headers = proptest::collection::vec((prop_oneof![text, key], bytes_strategy()), 0..4);
    let gap = prop_oneof![5 => Just(0u8), 1 => 1..4u8];
    (gap, times, bytes_strategy(), bytes_strategy(), headers).prop_map(
        |(gap, timestamp, key, value, headers)| Rec {
            gap,
            timestamp,
            key,
            value,
            headers,
        },
    )
}

fn made_strategy() -> impl Strategy<Value = Made> {
    let small = prop_oneof![5 => Just(0u8), 1 => 1..5u8];
    let records = prop_oneof![
        1 => Just(Vec::new()),
        8 => proptest::collection::vec(rec_strategy(), 1..30),
    ];
    (
        (small.clone(), 0..5u8, small),
        proptest::option::weighted(0.3, 1_600_000_000_000i64..1_700_000_000_000),
        proptest::option::of((0..5i64, 0..3i16, 0..1000i32)),
        any::<[bool; 3]>(),
        records,
    )
        .prop_map(
            |((gap, codec, tail_gap), append_time, producer, bits, records)| Made {
                gap,
                codec,
                append_time,
                transactional: bits[0] && producer.is_some(),
                producer,
                control: bits[1] && bits[2],
                horizon: bits[2],
                epoch: 3,
                tail_gap,
                records,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn every_batch_comes_back_as_it_was(
        parts in proptest::collection::vec(proptest::collection::vec(made_strategy(), 1..12), 1..4)
    ) {
        let mut next = 0;
        let mut segments = Vec::new();
        for part in &parts {
            segments.push(segment(next, part));
            next = segments.last().unwrap().next_offset.get();
        }
        comes_back(&segments);
    }
}

#[test]
fn many_rows_over_pages_and_row_groups_come_back() {
    let mut all = Vec::new();
    for number in 0..90 {
        let mut records = Vec::new();
        for at in 0..(number * 13 % 1700 + 1) {
            records.push(rec(
                format!("{number} {at} {}", "x".repeat(at % 900)).as_bytes()
            ));
        }
        let mut batch = made(records);
        batch.codec = number as u8 % 5;
        all.push(batch);
    }
    comes_back(&[segment(0, &all[..40]), segment_after(&all, 40)]);
}

fn segment_after(all: &[Made], at: usize) -> Segment {
    let before = segment(0, &all[..at]);
    segment(before.next_offset.get(), &all[at..])
}

#[test]
fn a_value_of_50_mb_comes_back() {
    let big: Vec<u8> = (0..50_000_000u32).map(|i| ((i * 7) >> 3) as u8).collect();
    let mut packed = made(vec![rec(b"before"), rec(&big)]);
    packed.codec = 4;
    comes_back(&[segment(
        0,
        &[made(vec![rec(b"small"), rec(&big), rec(b"after")]), packed],
    )]);
}

#[test]
fn numbers_written_longer_than_need_be_come_back_byte_for_byte() {
    let mut plain = Vec::new();
    let next = build(&made(vec![rec(b"v")]), 0, &mut plain);
    // The timestamp delta 0 in two bytes instead of one; the record is one byte longer then.
    let at = crate::record::HEADER_BYTES;
    plain[at] += 2;
    plain[at + 2] = 0x80;
    plain.insert(at + 3, 0);
    let length = (plain.len() - 12) as u32;
    plain[8..12].copy_from_slice(&length.to_be_bytes());
    let crc = crate::codec::crc32c::crc32c(&plain[21..]);
    plain[17..21].copy_from_slice(&crc.to_be_bytes());
    let odd = Segment {
        base_offset: Offset(0),
        next_offset: Offset(next),
        bytes: plain.clone().into(),
        place: String::from("odd"),
    };
    let home = Home::new();
    let archive = home.open().unwrap();
    archive.archive(&[odd], &[], 1).unwrap();
    assert_eq!(&archive.read(Offset(0), 1).unwrap()[..], &plain[..]);
}

#[test]
fn time_epochs_and_aborted_transactions_are_known() {
    let home = Home::new();
    let archive = home.open().unwrap();
    let mut next = 0;
    for file in 0..3i64 {
        let mut batches = Vec::new();
        for batch in 0..50i64 {
            let mut records = Vec::new();
            for at in 0..40 {
                let mut one = rec(b"some value");
                one.timestamp = file * 1_000_000 + batch * 1000 + at;
                records.push(one);
            }
            let mut batch = made(records);
            batch.epoch = file as i32 * 2;
            batch.producer = Some((9, 0, 0));
            batch.transactional = true;
            batches.push(batch);
        }
        let segment = segment(next, &batches);
        next = segment.next_offset.get();
        let aborted = Aborted {
            producer_id: ProducerId(9),
            first_offset: Offset(1900),
            last_offset: Offset(2100),
            last_stable: Offset(1900),
        };
        archive.archive(&[segment], &[aborted], 2).unwrap();
    }
    let at = |t| archive.offset_for_time(Timestamp(t)).unwrap();
    assert_eq!(at(-100), Some((Offset(0), Timestamp(0))));
    assert_eq!(at(1_000_000), Some((Offset(2000), Timestamp(1_000_000))));
    assert_eq!(at(1_049_007), Some((Offset(3967), Timestamp(1_049_007))));
    assert_eq!(at(1_048_500), Some((Offset(3960), Timestamp(1_049_000))));
    assert_eq!(at(2_049_040), None);
    assert_eq!(
        archive.max_timestamp().unwrap(),
        Some((Offset(5999), Timestamp(2_049_039)))
    );
    let epochs = [(0, 0), (2, 2000), (4, 4000)].map(|(e, o)| (LeaderEpoch(e), Offset(o)));
    assert_eq!(archive.epochs().unwrap(), epochs);
    assert_eq!(
        archive.aborted(Offset(0), Offset(6000)).unwrap().len(),
        1,
        "known to two files"
    );
    assert!(
        archive
            .aborted(Offset(2101), Offset(6000))
            .unwrap()
            .is_empty()
    );
    assert_eq!(archive.range(), Some((Offset(0), Offset(6000))));

    let gone = archive.retain(Retain {
        before: Some(Timestamp(100_000)),
        ..Retain::default()
    });
    assert_eq!(gone.unwrap().log_start, Some(Offset(2000)));
    assert_eq!(archive.range(), Some((Offset(2000), Offset(6000))));
    let gone = archive
        .retain(Retain {
            log_start: Offset(4500),
            ..Retain::default()
        })
        .unwrap();
    assert_eq!((gone.files, gone.log_start), (1, Some(Offset(4000))));
    assert_eq!(home.open().unwrap().files().len(), 1);
    let size = archive.size_bytes();
    let keep = Retain {
        bytes_max: Some(1),
        ..Retain::default()
    };
    assert_eq!(
        archive.retain(keep).unwrap().files,
        0,
        "the last byte is inside the limit"
    );
    let all = Retain {
        bytes_max: Some(0),
        ..Retain::default()
    };
    assert_eq!(archive.retain(all).unwrap().bytes, size);
    assert_eq!(archive.range(), None);
}

#[test]
fn records_without_a_timestamp_do_not_expire() {
    let home = Home::new();
    let archive = home.open().unwrap();
    let mut timeless = rec(b"some value");
    timeless.timestamp = -1;
    let segment = segment(0, &[made(vec![timeless])]);
    archive.archive(&[segment], &[], 1).unwrap();
    let by_time = Retain {
        before: Some(Timestamp(1_700_000_000_000)),
        ..Retain::default()
    };
    assert_eq!(archive.retain(by_time).unwrap().files, 0);
}

#[test]
fn what_a_segment_has_behind_the_archives_end_is_added() {
    let batches: Vec<Made> = (0..6)
        .map(|n| made(vec![rec(format!("value {n}").as_bytes()); 10]))
        .collect();
    let home = Home::new();
    let archive = home.open().unwrap();
    archive
        .archive(&[segment(0, &batches[..4])], &[], 1)
        .unwrap();
    // The same segment, which went on growing: the one that was to follow lost its name in a crash.
    let grown = segment(0, &batches);
    let added = archive.archive(std::slice::from_ref(&grown), &[], 1);
    assert_eq!(added.unwrap().unwrap().base(), Offset(40));
    assert_eq!(archive.range(), Some((Offset(0), Offset(60))));
    assert_eq!(
        archive.read(Offset(0), usize::MAX >> 1).unwrap(),
        grown.bytes
    );
    assert_eq!(archive.archive(&[grown], &[], 1).unwrap(), None, "again");
    // A batch that lies on both sides belongs to another log.
    let other = segment(50, &[made(vec![rec(b"x"); 20])]);
    let refused = archive.archive(&[other], &[], 1).unwrap_err();
    assert_eq!(refused.kind(), crate::error::Kind::Corrupt);
}
