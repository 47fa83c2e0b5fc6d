//! Builder, view and walk against each other and against bytes written down by hand.

use crate::codec::compression::Compression;
use crate::config::TimestampType;
use crate::error::Code;
use crate::record::*;
use crate::types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp};

const LIMIT: usize = 1 << 30;

fn two_records() -> BatchBuilder {
    let mut builder = BatchBuilder::with_capacity(256);
    builder.push(
        Timestamp(1000),
        Some(b"k"),
        Some(b"v1"),
        &[(b"h", None), (b"h", Some(b"x"))],
    );
    builder.push(Timestamp(990), None, None, &[]);
    builder
}

#[test]
fn wire_form_is_kafkas() {
    let mut builder = two_records();
    let options = BuildOptions {
        base_offset: Offset(7),
        leader_epoch: LeaderEpoch(3),
        producer_id: ProducerId(9),
        producer_epoch: ProducerEpoch(1),
        base_sequence: 5,
        ..BuildOptions::default()
    };
    let batch = builder.finish(&options).unwrap().to_vec();
    let first = [
        32, 0, 0, 0, 2, b'k', 4, b'v', b'1', 4, 2, b'h', 1, 2, b'h', 2, b'x',
    ];
    assert_eq!(batch[61..78], first);
    let second = [12, 0, 19, 2, 1, 1, 0];
    assert_eq!(batch[78..], second);
    assert_eq!(batch[..8], 7i64.to_be_bytes());
    assert_eq!(batch[8..12], (batch.len() as i32 - 12).to_be_bytes());
    assert_eq!(batch[12..17], [0, 0, 0, 3, 2]);
    assert_eq!(batch[21..27], [0, 0, 0, 0, 0, 1]);
    assert_eq!(batch[27..35], 1000i64.to_be_bytes());
    assert_eq!(batch[35..43], 1000i64.to_be_bytes());
    assert_eq!(
        batch[43..61],
        [0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 0, 0, 5, 0, 0, 0, 2]
    );
}

#[test]
fn built_records_come_back() {
    let mut builder = two_records();
    let batch = builder.finish(&BuildOptions::default()).unwrap();
    let view = BatchView::parse(batch).unwrap();
    view.check_crc().unwrap();
    let mut scratch = Vec::new();
    let records: Vec<_> = view
        .records(&mut scratch, LIMIT)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].key, Some(&b"k"[..]));
    assert_eq!(records[0].value, Some(&b"v1"[..]));
    let headers: Vec<_> = records[0].headers.iter().collect();
    assert_eq!((headers[0].key, headers[0].value), (&b"h"[..], None));
    assert_eq!(headers[1].value, Some(&b"x"[..]));
    assert_eq!(records[1].timestamp, Timestamp(990));
    assert_eq!(records[1].offset, Offset(1));
    assert_eq!((records[1].key, records[1].value), (None, None));
}

#[test]
fn log_append_time_overrides_record_timestamps() {
    let mut builder = two_records();
    let options = BuildOptions {
        timestamp_type: TimestampType::LogAppendTime,
        append_time: Timestamp(5000),
        ..BuildOptions::default()
    };
    let batch = builder.finish(&options).unwrap();
    let view = BatchView::parse(batch).unwrap();
    assert_eq!(view.header().max_timestamp, Timestamp(5000));
    let mut scratch = Vec::new();
    for record in view.records(&mut scratch, LIMIT).unwrap() {
        assert_eq!(record.unwrap().timestamp, Timestamp(5000));
    }
}

#[test]
fn a_rebuilt_batch_equals_its_source() {
    let mut builder = two_records();
    let options = BuildOptions {
        base_offset: Offset(40),
        ..BuildOptions::default()
    };
    let source = builder.finish(&options).unwrap().to_vec();
    let view = BatchView::parse(&source).unwrap();
    let header = *view.header();
    for early in [true, false] {
        let mut rebuilt = BatchBuilder::default();
        if early {
            rebuilt.begin(header.base_timestamp);
        }
        for record in view.records(&mut Vec::new(), LIMIT).unwrap().skip(1) {
            let record = record.unwrap();
            rebuilt.push_view(record.offset.since(header.base_offset) as i32, &record);
        }
        let kept = rebuilt
            .finish_exact(
                &BuildOptions::of(&header),
                header.last_offset_delta,
                header.base_timestamp,
                header.max_timestamp,
            )
            .unwrap();
        let kept = BatchView::parse(kept).unwrap();
        assert_eq!(kept.header().last_offset(), Offset(41));
        assert_eq!(kept.header().count, 1);
        assert_eq!(kept.payload(), &source[78..]);
    }
}

#[test]
fn an_emptied_batch_keeps_its_range_and_producer() {
    let options = BuildOptions {
        base_offset: Offset(10),
        compression: Compression::Zstd,
        producer_id: ProducerId(4),
        producer_epoch: ProducerEpoch(0),
        base_sequence: 2,
        ..BuildOptions::default()
    };
    let mut builder = BatchBuilder::default();
    let batch = builder
        .finish_exact(&options, 9, Timestamp(1), Timestamp(2))
        .unwrap();
    let view = BatchView::parse(batch).unwrap();
    view.check_crc().unwrap();
    assert_eq!(view.bytes().len(), HEADER_BYTES);
    assert_eq!(view.header().next_offset(), Offset(20));
    assert_eq!(view.header().last_sequence(), 11);
    assert_eq!(view.records(&mut Vec::new(), LIMIT).unwrap().count(), 0);
}

#[test]
fn an_emptied_batch_may_name_a_codec() {
    let mut builder = BatchBuilder::default();
    let made = builder.finish_exact(&BuildOptions::default(), 1, Timestamp(1), Timestamp(1));
    let mut batch = made.unwrap().to_vec();
    batch[22] = Compression::Zstd as u8;
    let view = BatchView::parse(&batch).unwrap();
    assert_eq!(view.records(&mut Vec::new(), LIMIT).unwrap().count(), 0);
}

#[test]
fn offsets_that_go_back_are_found_behind_a_skip() {
    let mut builder = BatchBuilder::default();
    for _ in 0..3 {
        builder.push(Timestamp(1), None, Some(b"v"), &[]);
    }
    let mut batch = builder.finish(&BuildOptions::default()).unwrap().to_vec();
    // Eight bytes a record; the offset delta is the fourth of them.
    assert_eq!(
        batch[64..].iter().step_by(8).collect::<Vec<_>>(),
        [&0, &2, &4]
    );
    batch[64] = 2;
    let view = BatchView::parse(&batch).unwrap();
    let mut scratch = Vec::new();
    let mut records = view.records(&mut scratch, LIMIT).unwrap();
    records.skip_to(Offset(2));
    assert!(records.next().unwrap().is_err());
    assert!(records.next().is_none());
}

#[test]
fn skip_to_gives_the_first_record_at_or_after() {
    let mut builder = BatchBuilder::default();
    for delta in [0, 2, 5, 6] {
        builder.push_at(delta, Timestamp(1), None, Some(b"value"), &[]);
    }
    let options = BuildOptions {
        base_offset: Offset(100),
        ..BuildOptions::default()
    };
    let batch = builder.finish(&options).unwrap().to_vec();
    let view = BatchView::parse(&batch).unwrap();
    for (to, first) in [(0, 100), (101, 102), (102, 102), (105, 105), (106, 106)] {
        let mut scratch = Vec::new();
        let mut records = view.records(&mut scratch, LIMIT).unwrap();
        records.skip_to(Offset(to));
        assert_eq!(records.next().unwrap().unwrap().offset, Offset(first));
    }
    let mut scratch = Vec::new();
    let mut records = view.records(&mut scratch, LIMIT).unwrap();
    records.skip_to(Offset(107));
    assert!(records.next().is_none());
}

#[test]
fn batches_end_at_a_cut_and_report_damage_with_its_position() {
    let mut builder = two_records();
    let one = builder.finish(&BuildOptions::default()).unwrap().to_vec();
    let mut run = one.repeat(3);
    let cut = run.len() - 1;
    let mut batches = Batches::new(&run[..cut]);
    assert_eq!(batches.by_ref().map(Result::unwrap).count(), 2);
    assert_eq!(batches.rest().len(), one.len() - 1);

    run[one.len() + 16] = 1;
    let mut batches = Batches::new(&run);
    assert!(batches.next().unwrap().is_ok());
    let error = batches.next().unwrap().unwrap_err();
    assert_eq!(error.code(), Code::UnsupportedForMessageFormat);
    assert!(error.message().contains(&format!("position {}", one.len())));
    assert!(batches.next().is_none());
    assert!(is_legacy(&run[one.len()..]));

    let zeros = [0; 100];
    let error = Batches::new(&zeros).next().unwrap().unwrap_err();
    assert_eq!(error.code(), Code::CorruptMessage);
}

#[test]
fn a_flipped_bit_fails_the_checksum() {
    let mut builder = two_records();
    let mut batch = builder.finish(&BuildOptions::default()).unwrap().to_vec();
    *batch.last_mut().unwrap() ^= 1;
    let error = BatchView::parse(&batch).unwrap().check_crc().unwrap_err();
    assert_eq!(error.code(), Code::CorruptMessage);
}

#[test]
fn set_offsets_leaves_the_checksum_true() {
    let mut builder = two_records();
    let mut batch = builder.finish(&BuildOptions::default()).unwrap().to_vec();
    set_offsets(&mut batch, Offset(77), LeaderEpoch(5));
    let view = BatchView::parse(&batch).unwrap();
    view.check_crc().unwrap();
    assert_eq!(view.header().base_offset, Offset(77));
    assert_eq!(view.header().leader_epoch, LeaderEpoch(5));
}

#[test]
fn plain_records_share_the_batch_and_tell_positions() {
    let mut builder = two_records();
    let batch = bytes::Bytes::copy_from_slice(builder.finish(&BuildOptions::default()).unwrap());
    let plain = PlainRecords::open(&batch, LIMIT).unwrap();
    assert_eq!(plain.payload.as_ptr(), batch[HEADER_BYTES..].as_ptr());
    for (record, span) in plain.records().zip(plain.spans()) {
        let (record, span) = (record.unwrap(), span.unwrap());
        assert_eq!(record.value.is_some(), span.value.is_some());
        if let (Some(value), Some(span)) = (record.value, span.value) {
            assert_eq!(plain.payload_range(value), Some(span));
            assert_eq!(plain.bytes(span), value);
        }
    }
    assert_eq!(plain.payload_range(b"elsewhere"), None);
}

#[test]
fn markers_are_read_back() {
    for commit in [true, false] {
        let batch = control_batch(commit, 6, Timestamp(1), ProducerId(2), ProducerEpoch(3));
        let view = BatchView::parse(&batch).unwrap();
        assert!(view.header().attributes.is_control());
        assert!(view.header().attributes.is_transactional());
        let mut scratch = Vec::new();
        let mut records = view.records(&mut scratch, LIMIT).unwrap();
        let record = records.next().unwrap().unwrap();
        let key = ControlRecord::parse(record.key).unwrap();
        let expected = if commit {
            ControlType::Commit
        } else {
            ControlType::Abort
        };
        assert_eq!(key.kind, expected);
        assert_eq!(ControlRecord::coordinator_epoch(record.value).unwrap(), 6);
    }
    assert!(ControlRecord::parse(Some(&[0, 0, 1])).is_err());
}
