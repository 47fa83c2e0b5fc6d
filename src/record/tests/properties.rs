//! Any records through builder, codec, view and walk equal what went in; any bytes are refused or
//! read, never worse.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::codec::compression::Compression;
use crate::config::{TimestampType, TopicConfig};
use crate::record::{header, *};
use crate::types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp};

const LIMIT: usize = 1 << 24;

#[derive(Clone, Debug, PartialEq)]
struct Model {
    /// From the record before; 0 makes the batch dense.
    gap: i32,
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

fn field() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        Just(None),
        Just(Some(Vec::new())),
        vec(any::<u8>(), 1..200).prop_map(Some),
        (any::<u8>(), 0usize..40_000).prop_map(|(byte, len)| Some(std::vec::from_elem(byte, len))),
    ]
}

fn timestamp() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(-1),
        Just(0),
        1_700_000_000_000i64..1_700_000_100_000,
        any::<i64>(),
    ]
}

fn record(gap_max: i32) -> impl Strategy<Value = Model> {
    let header = (vec(any::<u8>(), 0..5), field());
    (
        0..=gap_max,
        timestamp(),
        field(),
        field(),
        vec(header, 0..4),
    )
        .prop_map(|(gap, timestamp, key, value, headers)| Model {
            gap,
            timestamp,
            key,
            value,
            headers,
        })
}

fn codec() -> impl Strategy<Value = Compression> {
    proptest::sample::select(Compression::ALL.to_vec())
}

fn build(models: &[Model], options: &BuildOptions) -> Vec<u8> {
    let mut builder = BatchBuilder::default();
    let mut delta = 0;
    for model in models {
        delta += model.gap;
        let headers: Vec<_> = model
            .headers
            .iter()
            .map(|(k, v)| (k.as_slice(), v.as_deref()))
            .collect();
        let before = builder.size_bytes();
        builder.push_at(
            delta,
            Timestamp(model.timestamp),
            model.key.as_deref(),
            model.value.as_deref(),
            &headers,
        );
        let added = builder.size_bytes() - before;
        let len = |f: &Option<Vec<u8>>| f.as_ref().map_or(0, Vec::len);
        let headers: usize = model
            .headers
            .iter()
            .map(|(k, v)| k.len() + len(v) + 10)
            .sum();
        assert!(
            added <= BatchBuilder::size_bytes_upper(len(&model.key), len(&model.value), headers)
        );
        delta += 1;
    }
    builder.finish(options).unwrap().to_vec()
}

fn assert_equal(records: Records<'_>, models: &[Model], base: i64) -> Result<(), TestCaseError> {
    let mut delta = 0;
    let records: Vec<_> = records.map(Result::unwrap).collect();
    prop_assert_eq!(records.len(), models.len());
    for (record, model) in records.iter().zip(models) {
        delta += i64::from(model.gap);
        prop_assert_eq!(record.offset, Offset(base + delta));
        prop_assert_eq!(record.timestamp, Timestamp(model.timestamp));
        prop_assert_eq!(record.key, model.key.as_deref());
        prop_assert_eq!(record.value, model.value.as_deref());
        let headers: Vec<_> = record.headers.iter().map(|h| (h.key, h.value)).collect();
        let expected: Vec<_> = model
            .headers
            .iter()
            .map(|(k, v)| (k.as_slice(), v.as_deref()))
            .collect();
        prop_assert_eq!(headers, expected);
        delta += 1;
    }
    Ok(())
}

proptest! {
    #[test]
    fn records_come_back(
        models in vec(record(1000), 1..20),
        compression in codec(),
        base in 0i64..1 << 40,
    ) {
        let options = BuildOptions {
            base_offset: Offset(base),
            leader_epoch: LeaderEpoch(4),
            compression,
            ..BuildOptions::default()
        };
        let batch = build(&models, &options);
        let view = BatchView::parse(&batch).unwrap();
        view.check_crc().unwrap();
        let latest = models.iter().map(|m| m.timestamp).max().unwrap().max(-1);
        prop_assert_eq!(view.header().max_timestamp, Timestamp(latest));
        prop_assert_eq!(view.header().base_timestamp, Timestamp(models[0].timestamp));
        assert_equal(view.records(&mut Vec::new(), LIMIT).unwrap(), &models, base)?;
        let plain = PlainRecords::open(&Bytes::from(batch), LIMIT).unwrap();
        assert_equal(plain.records(), &models, base)?;
    }

    #[test]
    fn validation_takes_what_the_builder_makes(
        mut models in vec(record(0), 1..20),
        compression in codec(),
        producer in proptest::option::of((0i64..9, 0i16..9, any::<i32>())),
    ) {
        for model in &mut models {
            model.timestamp = model.timestamp.min(1_700_000_000_000);
        }
        let mut options = BuildOptions { compression, ..BuildOptions::default() };
        if let Some((id, epoch, sequence)) = producer {
            options.producer_id = ProducerId(id);
            options.producer_epoch = ProducerEpoch(epoch);
            options.base_sequence = sequence & i32::MAX;
            options.transactional = sequence < 0;
        }
        let batch = build(&models, &options);
        let config = TopicConfig { max_message_bytes: u32::MAX, ..TopicConfig::default() };
        for trusted in [false, true] {
            let rules = Rules {
                config: &config,
                now: Timestamp(1_700_000_000_000),
                internal: false,
                trusted,
            };
            let checked = validate(&batch, &rules).unwrap();
            prop_assert_eq!(checked.records, models.len() as i64);
            prop_assert!(checked.rewritten.is_none());
            prop_assert_eq!(checked.batches[0], *BatchView::parse(&batch).unwrap().header());
        }
    }

    #[test]
    fn skipping_equals_walking(models in vec(record(5), 1..20), to in -2i64..130) {
        let batch = build(&models, &BuildOptions::default());
        let view = BatchView::parse(&batch).unwrap();
        let mut scratch = Vec::new();
        let offsets = |records: Records<'_>| records.map(|r| r.unwrap().offset).collect::<Vec<_>>();
        let mut skipped = view.records(&mut scratch, LIMIT).unwrap();
        skipped.skip_to(Offset(to));
        let skipped = offsets(skipped);
        let mut walked = offsets(view.records(&mut scratch, LIMIT).unwrap());
        walked.retain(|offset| *offset >= Offset(to));
        prop_assert_eq!(skipped, walked);
    }

    #[test]
    fn mutated_batches_never_panic_nor_reach_outside(
        models in vec(record(2), 1..6),
        compression in codec(),
        append_time in any::<bool>(),
        changes in vec((any::<proptest::sample::Index>(), any::<u8>()), 1..5),
        cut in any::<proptest::sample::Index>(),
        cutting in any::<bool>(),
        sealing in any::<bool>(),
    ) {
        let mut options = BuildOptions { compression, ..BuildOptions::default() };
        if append_time {
            options.timestamp_type = TimestampType::LogAppendTime;
        }
        let mut bytes = build(&models, &options).repeat(2);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cutting {
            bytes.truncate(cut.index(bytes.len()));
        }
        // With a true checksum, validation reaches the records.
        if sealing && let Ok(header) = BatchHeader::parse(&bytes) {
            if let Some(first) = bytes.get_mut(..header.size_bytes) {
                header::seal(first);
            }
            bytes.truncate(header.size_bytes);
        }
        walk_hostile(&bytes)?;
    }

    #[test]
    fn any_bytes_never_panic(bytes in vec(any::<u8>(), 0..300), magic in any::<bool>()) {
        let mut bytes = bytes;
        if magic && bytes.len() > 16 {
            let length = bytes.len() as i32 - 12;
            bytes[8..12].copy_from_slice(&length.to_be_bytes());
            bytes[16] = 2;
        }
        walk_hostile(&bytes)?;
    }
}

/// Reads what validation took: nothing of it may fail.
fn count_all(bytes: &[u8]) -> i64 {
    let mut scratch = Vec::new();
    let mut count = 0;
    for view in Batches::new(bytes) {
        let view = view.unwrap();
        view.check_crc().unwrap();
        let records = view.records(&mut scratch, LIMIT).unwrap();
        count += records.map(Result::unwrap).count() as i64;
    }
    count
}

/// Reads everything that can be read of `bytes` in every way there is.
fn walk_hostile(bytes: &[u8]) -> Result<(), TestCaseError> {
    let shared = Bytes::copy_from_slice(bytes);
    let config = TopicConfig::default();
    for (internal, trusted) in [(false, false), (true, false), (false, true), (true, true)] {
        let rules = Rules {
            config: &config,
            now: Timestamp(0),
            internal,
            trusted,
        };
        if let Ok(checked) = validate(bytes, &rules) {
            let sizes: usize = checked.batches.iter().map(|h| h.size_bytes).sum();
            let stored = checked.rewritten.as_ref().map_or(bytes.len(), Vec::len);
            prop_assert_eq!(sizes, stored);
            if !trusted {
                let stored = checked.rewritten.as_deref().unwrap_or(bytes);
                prop_assert_eq!(count_all(stored), checked.records);
            }
        }
    }
    let mut walk = Batches::new(&shared);
    loop {
        let position = walk.position();
        let Some(Ok(view)) = walk.next() else { break };
        prop_assert!(position + view.bytes().len() <= bytes.len());
        let _ = view.check_crc();
        let Ok(plain) = PlainRecords::open(&shared.slice(position..), LIMIT) else {
            continue;
        };
        let mut last = None;
        for span in plain.spans() {
            let Ok(span) = span else { break };
            prop_assert!(last < Some(span.offset) || span.offset == Offset::MAX);
            last = Some(span.offset);
            let ends = [span.key, span.value, Some(span.headers)];
            for part in ends.into_iter().flatten() {
                prop_assert!(part.range().end <= plain.payload.len());
            }
            let record = span.view(&plain.payload);
            prop_assert_eq!(record.headers.iter().count(), record.headers.len());
            prop_assert_eq!(record.key.is_some(), span.key.is_some());
            prop_assert_eq!(record.value.is_some(), span.value.is_some());
        }
        let mut skipping = plain.records();
        skipping.skip_to(Offset(1));
        let _ = skipping.count();
    }
    Ok(())
}
