//! Record batches: any bytes are refused or read, never worse.
//!
//! Invariants:
//! - never panics, whatever the bytes; memory is bounded by `LIMIT_BYTES`, whatever they claim;
//! - a batch lies within the input: position + size <= length, and walks advance;
//! - key, value and headers of a record lie within the (decompressed) payload; offsets ascend;
//! - views, spans and records tell the same records;
//! - what validation takes can be read whole: every CRC right, as many records as it counted;
//! - a transaction marker is parsed or refused.
//!
//! Input: one byte of flags, then the bytes. Flag 1 gives every batch its true checksum.

#![no_main]

use bytes::Bytes;
use levada::config::TopicConfig;
use levada::log::Marker;
use levada::record::{BatchHeader, BatchView, Batches, PlainRecords, Rules, validate};
use levada::types::{Offset, Timestamp};
use libfuzzer_sys::fuzz_target;

/// The most that one batch may become when decompressed.
const LIMIT_BYTES: usize = 1 << 20;

fuzz_target!(|input: &[u8]| {
    let Some((flags, bytes)) = input.split_first() else {
        return;
    };
    let mut bytes = bytes.to_vec();
    if flags & 1 != 0 {
        levada_fuzz::seal(&mut bytes);
    }
    if let Ok(header) = BatchHeader::parse(&bytes) {
        assert!(header.next_offset() > header.base_offset || header.next_offset() == Offset::MAX);
    }
    walk(&Bytes::from(bytes.clone()));
    check(&bytes);
});

fn walk(bytes: &Bytes) {
    let mut batches = Batches::new(bytes);
    loop {
        let position = batches.position();
        let Some(Ok(view)) = batches.next() else {
            break;
        };
        assert!(position + view.bytes().len() <= bytes.len());
        assert!(batches.position() > position);
        let _ = view.check_crc();
        let _ = Marker::of(&view);
        records(bytes, position, &view);
    }
}

fn records(bytes: &Bytes, position: usize, view: &BatchView<'_>) {
    let Ok(plain) = PlainRecords::open(&bytes.slice(position..), LIMIT_BYTES) else {
        let mut scratch = Vec::new();
        assert!(view.records(&mut scratch, LIMIT_BYTES).is_err());
        return;
    };
    assert!(plain.payload.len() <= LIMIT_BYTES.max(bytes.len()));
    let (mut last, mut whole) = (None, true);
    let mut spans = 0;
    for span in plain.spans() {
        let Ok(span) = span else {
            whole = false;
            break;
        };
        assert!(last < Some(span.offset) || span.offset == Offset::MAX);
        last = Some(span.offset);
        let ends = [span.key, span.value, Some(span.headers)];
        for part in ends.into_iter().flatten() {
            assert!(part.range().end <= plain.payload.len());
        }
        let record = span.view(&plain.payload);
        assert_eq!(record.headers.iter().count(), record.headers.len());
        assert_eq!(record.key.is_some(), span.key.is_some());
        assert_eq!(record.value.is_some(), span.value.is_some());
        spans += 1;
    }
    let mut scratch = Vec::new();
    let viewed = view.records(&mut scratch, LIMIT_BYTES);
    let viewed = viewed.expect("what opens as one opens as the other");
    assert_eq!(viewed.map_while(Result::ok).count(), spans);
    let mut skipping = plain.records();
    skipping.skip_to(Offset(1));
    let behind = skipping.map_while(Result::ok).count();
    // What is jumped over is not looked at, so damage there ends the walk from the start alone.
    assert!(!whole || behind <= spans);
}

fn check(bytes: &[u8]) {
    let config = TopicConfig {
        max_decompressed_message_bytes: LIMIT_BYTES as u32,
        ..TopicConfig::default()
    };
    for (internal, trusted) in [(false, false), (true, false), (false, true), (true, true)] {
        let rules = Rules {
            config: &config,
            now: Timestamp(0),
            internal,
            trusted,
        };
        let Ok(checked) = validate(bytes, &rules) else {
            continue;
        };
        let stored = checked.rewritten.as_deref().unwrap_or(bytes);
        let sizes: usize = checked.batches.iter().map(|h| h.size_bytes).sum();
        assert_eq!(sizes, stored.len());
        if !trusted {
            assert_eq!(count_all(stored), checked.records);
        }
    }
}

/// Reads what validation took: nothing of it may fail.
fn count_all(bytes: &[u8]) -> i64 {
    let mut scratch = Vec::new();
    let mut count = 0;
    for view in Batches::new(bytes) {
        let view = view.expect("validated");
        view.check_crc().expect("validated");
        let records = view.records(&mut scratch, LIMIT_BYTES).expect("validated");
        count += records.map(|r| r.expect("validated")).count() as i64;
    }
    count
}
