//! Records that the engine replays when it opens: metadata events, groups and their offsets, and the
//! wire primitives below both.
//!
//! Invariants:
//! - never panics, whatever the bytes; memory is bounded by the input;
//! - a metadata record that is taken encodes to bytes that decode as the same record; applying it to
//!   an image is refused or done;
//! - replaying any key and value into a coordinator is refused, skipped or done;
//! - the reader's position never passes the end.
//!
//! Input: one byte for the kind; for groups a part (see `part`) a key and a part a value, repeated.

#![no_main]

use levada::engine::groups::{Coordinator, GroupSettings};
use levada::engine::metadata::{MetadataImage, MetadataRecord};
use levada::protocol::Reader;
use levada::types::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut input = input;
    match levada_fuzz::byte(&mut input) % 3 {
        0 => events(input),
        1 => groups(input),
        _ => primitives(input),
    }
});

fn events(mut input: &[u8]) {
    let mut image = MetadataImage::default();
    while !input.is_empty() {
        let Ok(Some(record)) = MetadataRecord::decode(levada_fuzz::part(&mut input)) else {
            continue;
        };
        let again = MetadataRecord::decode(&record.encode());
        assert_eq!(again.unwrap().as_ref(), Some(&record));
        let _ = image.apply(record, Timestamp(0));
    }
    let records = image.to_records(Timestamp(0));
    let mut copy = MetadataImage::default();
    for (record, at) in records {
        copy.apply(record, at)
            .expect("an image's own records apply");
    }
}

fn groups(mut input: &[u8]) {
    let mut coordinator = Coordinator::new(GroupSettings::default());
    while !input.is_empty() {
        let key = levada_fuzz::part(&mut input);
        let value = levada_fuzz::part(&mut input);
        let value = (!value.is_empty()).then_some(value);
        let _ = coordinator.replay(key, value, None);
    }
}

/// Each byte of the input picks what is read next.
fn primitives(input: &[u8]) {
    let (picks, bytes) = input.split_at(input.len() / 2);
    let mut reader = Reader::new(bytes);
    for pick in picks {
        let position = reader.position();
        let _ = match pick % 16 {
            0 => reader.string().map(drop),
            1 => reader.nullable_string().map(drop),
            2 => reader.compact_string().map(drop),
            3 => reader.compact_nullable_string().map(drop),
            4 => reader.bytes().map(drop),
            5 => reader.nullable_bytes().map(drop),
            6 => reader.compact_bytes().map(drop),
            7 => reader.compact_nullable_bytes().map(drop),
            8 => reader
                .array_len(1)
                .map(|count| assert!(count <= reader.remaining())),
            9 => reader
                .compact_array_len(4)
                .map(|count| assert!(count * 4 <= reader.remaining())),
            10 => reader.tagged(|tag, field| Ok(tag % 2 == 0 && field.i8().is_ok())),
            11 => reader.skip_tagged(),
            12 => reader.varlong().map(drop),
            13 => reader.varint().map(drop),
            14 => reader.uuid().map(drop),
            _ => reader.i16().map(drop),
        };
        assert!(reader.position() >= position && reader.position() <= bytes.len());
    }
}
