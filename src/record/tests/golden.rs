//! Batches that real Kafka wrote (`tests/golden/batches/make.py`) read as what was sent.

use crate::codec::compression::Compression;
use crate::config::TimestampType;
use crate::record::*;
use crate::types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp};

macro_rules! golden {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/golden/batches/", $name, ".bin"))
    };
}

type Bytes = Option<&'static [u8]>;
type Expected = (i64, Bytes, Bytes, &'static [(&'static [u8], Bytes)]);

const T: i64 = 1_700_000_000_000;
const SENT: [Expected; 5] = [
    (
        T,
        Some(b"key"),
        Some(b"value"),
        &[
            (b"h", Some(b"1")),
            (b"h", Some(b"2")),
            (b"n", None),
            (b"e", Some(b"")),
        ],
    ),
    (T + 5, None, Some(b"no key"), &[]),
    (T - 1000, Some(b"tombstone"), None, &[]),
    (
        T + 1,
        Some(b""),
        Some(b""),
        &[("\u{e4}".as_bytes(), Some(b"\xff\xfe"))],
    ),
    (T, Some(b"\x00\xff\x80"), Some(&AB), &[]),
];

const AB: [u8; 1000] = {
    let mut bytes = [b'a'; 1000];
    let mut at = 1;
    while at < 1000 {
        bytes[at] = b'b';
        at += 2;
    }
    bytes
};

fn batches(bytes: &[u8]) -> Vec<BatchView<'_>> {
    let mut walk = Batches::new(bytes);
    let found: Vec<_> = walk.by_ref().map(Result::unwrap).collect();
    assert!(walk.rest().is_empty());
    for batch in &found {
        batch.check_crc().unwrap();
    }
    found
}

fn assert_record(record: &RecordView<'_>, expected: &Expected) {
    let (timestamp, key, value, headers) = *expected;
    assert_eq!(record.timestamp, Timestamp(timestamp));
    assert_eq!((record.key, record.value), (key, value));
    let found: Vec<_> = record.headers.iter().map(|h| (h.key, h.value)).collect();
    assert_eq!(found, headers);
}

#[test]
fn every_codec_of_kafkas_is_read() {
    let files: [(&[u8], Compression); 5] = [
        (golden!("none"), Compression::None),
        (golden!("gzip"), Compression::Gzip),
        (golden!("snappy"), Compression::Snappy),
        (golden!("lz4"), Compression::Lz4),
        (golden!("zstd"), Compression::Zstd),
    ];
    for (bytes, codec) in files {
        let found = batches(bytes);
        let [batch] = found.as_slice() else {
            panic!("{codec:?}: {} batches", found.len())
        };
        assert_eq!(batch.compression().unwrap(), codec);
        assert_eq!(batch.header().max_timestamp, Timestamp(T + 5));
        let mut scratch = Vec::new();
        let records = batch.records(&mut scratch, 1 << 20).unwrap();
        let records: Vec<_> = records.map(Result::unwrap).collect();
        assert_eq!(records.len(), SENT.len());
        for (at, (record, expected)) in records.iter().zip(&SENT).enumerate() {
            assert_eq!(record.offset, Offset(at as i64));
            assert_record(record, expected);
        }
    }
}

#[test]
fn the_builder_writes_what_kafkas_clients_write() {
    let bytes = golden!("none");
    let mut builder = BatchBuilder::default();
    for (timestamp, key, value, headers) in SENT {
        builder.push(Timestamp(timestamp), key, value, headers);
    }
    let options = BuildOptions {
        leader_epoch: LeaderEpoch(0),
        ..BuildOptions::default()
    };
    assert_eq!(builder.finish(&options).unwrap(), bytes);
}

#[test]
fn rebuilding_gives_the_same_bytes_when_nothing_is_compressed() {
    let files: [&[u8]; 4] = [
        golden!("none"),
        golden!("idempotent"),
        golden!("transactions"),
        golden!("metadata_snapshot"),
    ];
    for batch in files.into_iter().flat_map(batches) {
        let header = batch.header();
        let mut builder = BatchBuilder::default();
        builder.begin(header.base_timestamp);
        for record in batch.records(&mut Vec::new(), 0).unwrap() {
            let record = record.unwrap();
            let delta = record.offset.since(header.base_offset) as i32;
            let headers: Vec<_> = record.headers.iter().map(|h| (h.key, h.value)).collect();
            builder.push_at(delta, record.timestamp, record.key, record.value, &headers);
        }
        let rebuilt = builder
            .finish_exact(
                &BuildOptions::of(header),
                header.last_offset_delta,
                header.base_timestamp,
                header.max_timestamp,
            )
            .unwrap();
        assert_eq!(rebuilt, batch.bytes());
    }
}

#[test]
fn an_idempotent_producers_fields_are_read() {
    let found = batches(golden!("idempotent"));
    let header = found[0].header();
    assert!(header.producer_id.is_some());
    assert_eq!(header.producer_epoch, ProducerEpoch(0));
    assert_eq!((header.base_sequence, header.last_sequence()), (0, 1));
}

#[test]
fn log_append_time_is_the_brokers() {
    let found = batches(golden!("append_time"));
    let header = found[0].header();
    assert_eq!(
        header.attributes.timestamp_type(),
        TimestampType::LogAppendTime
    );
    assert!(header.max_timestamp > Timestamp(T));
    let mut scratch = Vec::new();
    for record in found[0].records(&mut scratch, 0).unwrap() {
        assert_eq!(record.unwrap().timestamp, header.max_timestamp);
    }
    // What the producer had sent is still there.
    let plain = PlainRecords::open(&bytes::Bytes::from_static(golden!("append_time")), 0).unwrap();
    let deltas = plain.spans().map(|s| s.unwrap().timestamp_delta);
    assert_eq!(deltas.collect::<Vec<_>>(), [0, 5]);
    assert_eq!(header.base_timestamp, Timestamp(T));
}

#[test]
fn markers_equal_kafkas() {
    let found = batches(golden!("transactions"));
    let kinds: Vec<_> = found
        .iter()
        .map(|b| {
            let header = b.header();
            assert!(header.attributes.is_transactional());
            if !header.attributes.is_control() {
                return None;
            }
            let mut scratch = Vec::new();
            let record = b.records(&mut scratch, 0).unwrap().next().unwrap().unwrap();
            let epoch = ControlRecord::coordinator_epoch(record.value).unwrap();
            let kind = ControlRecord::parse(record.key).unwrap().kind;
            let mut ours = control_batch(
                kind == ControlType::Commit,
                epoch,
                record.timestamp,
                header.producer_id,
                header.producer_epoch,
            );
            set_offsets(&mut ours, header.base_offset, header.leader_epoch);
            assert_eq!(ours, b.bytes());
            Some(kind)
        })
        .collect();
    let (commit, abort) = (Some(ControlType::Commit), Some(ControlType::Abort));
    assert_eq!(kinds, [None, commit, None, abort]);
}

#[test]
fn javas_tools_are_read() {
    let mut sent = Vec::new();
    for batch in batches(golden!("java")) {
        assert_eq!(batch.compression().unwrap(), Compression::Lz4);
        assert_ne!(batch.header().producer_id, ProducerId::NONE);
        let mut scratch = Vec::new();
        for record in batch.records(&mut scratch, 1 << 20).unwrap() {
            let record = record.unwrap();
            let header = record.headers.iter().next().unwrap();
            let text = |b: Option<&[u8]>| b.map(|b| String::from_utf8(b.to_vec()).unwrap());
            sent.push((text(record.key), text(record.value), text(header.value)));
        }
    }
    let some = |s: &str| Some(s.to_string());
    assert_eq!(
        sent,
        [
            (None, some("v2"), some("c")),
            (some("k3"), None, some("d")),
            (some("k1"), some("v1"), some("a")),
        ]
    );
}

#[test]
fn a_metadata_snapshot_is_framed_by_control_records() {
    let mut kinds = Vec::new();
    for batch in batches(golden!("metadata_snapshot")) {
        if !batch.header().attributes.is_control() {
            continue;
        }
        let mut scratch = Vec::new();
        for record in batch.records(&mut scratch, 0).unwrap() {
            kinds.push(ControlRecord::parse(record.unwrap().key).unwrap().kind);
        }
    }
    assert_eq!(
        kinds,
        [
            ControlType::SnapshotHeader,
            ControlType::KraftVersion,
            ControlType::KraftVoters,
            ControlType::SnapshotFooter,
        ]
    );
}
