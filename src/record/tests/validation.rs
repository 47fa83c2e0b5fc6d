//! What may enter a log and what may not, with Kafka's code for each refusal.

use crate::codec::compression::Compression;
use crate::config::{Cleanup, TimestampType, TopicConfig};
use crate::error::{Code, Result};
use crate::record::*;
use crate::types::{Offset, ProducerEpoch, ProducerId, Timestamp};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn check(bytes: &[u8], config: &TopicConfig) -> Result<Checked> {
    let rules = Rules {
        config,
        now: NOW,
        internal: false,
        trusted: false,
    };
    validate(bytes, &rules)
}

fn code(bytes: &[u8]) -> Code {
    check(bytes, &TopicConfig::default()).unwrap_err().code()
}

fn build(options: &BuildOptions) -> Vec<u8> {
    let mut builder = BatchBuilder::default();
    for n in 0..3 {
        builder.push(
            Timestamp(NOW.get() + n),
            Some(b"key"),
            Some(b"value value value value"),
            &[(b"h", None)],
        );
    }
    builder.finish(options).unwrap().to_vec()
}

fn plain() -> Vec<u8> {
    build(&BuildOptions::default())
}

/// The batch with bytes replaced at `at` and the checksum made true again.
fn patched(mut batch: Vec<u8>, at: usize, with: &[u8]) -> Vec<u8> {
    batch[at..at + with.len()].copy_from_slice(with);
    crate::record::header::seal(&mut batch);
    batch
}

#[test]
fn what_the_builder_makes_is_taken_as_it_is() {
    for compression in Compression::ALL {
        let options = BuildOptions {
            compression,
            ..BuildOptions::default()
        };
        let run = build(&options).repeat(3);
        let checked = check(&run, &TopicConfig::default()).unwrap();
        assert_eq!((checked.batches.len(), checked.records), (3, 9));
        assert!(checked.rewritten.is_none());
    }
}

#[test]
fn damage_is_corrupt_message() {
    let mut flipped = plain();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(code(&flipped), Code::CorruptMessage);
    assert_eq!(
        code(&patched(plain(), 16, &[7])),
        Code::CorruptMessage,
        "magic 7"
    );
    for compression in [Compression::Gzip, Compression::Lz4, Compression::Zstd] {
        let options = BuildOptions {
            compression,
            ..BuildOptions::default()
        };
        let packed = build(&options);
        let middle = packed.len() / 2 + 20;
        let damaged = patched(packed, middle, &[0xa5; 8]);
        let found = code(&damaged);
        assert!(
            matches!(found, Code::CorruptMessage | Code::InvalidRecord),
            "{compression:?}: {found:?}"
        );
    }
}

#[test]
fn false_framing_is_invalid_record() {
    let last = plain().len() - 1;
    let cases: [(&str, Vec<u8>); 17] = [
        ("empty", Vec::new()),
        ("cut", plain()[..last].to_vec()),
        ("trailing bytes", [plain(), vec![0; 5]].concat()),
        ("magic 1", patched(plain(), 16, &[1])),
        ("count", patched(plain(), 57, &4i32.to_be_bytes())),
        ("count 0", patched(plain(), 57, &0i32.to_be_bytes())),
        ("negative count", patched(plain(), 57, &[0xff; 4])),
        ("last delta", patched(plain(), 23, &3i32.to_be_bytes())),
        (
            "count and delta agree on less",
            patched(
                patched(plain(), 57, &2i32.to_be_bytes()),
                23,
                &1i32.to_be_bytes(),
            ),
        ),
        ("record length", patched(plain(), 61, &[72])),
        // Attributes and timestamp of the first record stand before its offset delta.
        ("offset delta", patched(plain(), 64, &[2])),
        // A count of 1 at 93, the key `h` and a null value end the first record.
        ("header key null", patched(plain(), 94, &[1, 2, 7])),
        (
            "no header though bytes are left",
            patched(plain(), 93, &[0]),
        ),
        ("last offset delta of a record", patched(plain(), 136, &[6])),
        ("control", patched(plain(), 22, &[32])),
        ("delete horizon", patched(plain(), 22, &[64])),
        ("base offset", patched(plain(), 7, &[9])),
    ];
    for (name, bytes) in cases {
        assert_eq!(code(&bytes), Code::InvalidRecord, "{name}");
    }
}

#[test]
fn producer_fields_must_agree() {
    let with = |producer_id, epoch, base_sequence, transactional| {
        let options = BuildOptions {
            producer_id: ProducerId(producer_id),
            producer_epoch: ProducerEpoch(epoch),
            base_sequence,
            transactional,
            ..BuildOptions::default()
        };
        check(&build(&options), &TopicConfig::default())
    };
    assert!(with(1, 0, 0, false).is_ok());
    assert!(with(1, 0, 7, true).is_ok());
    // Some clients leave a sequence of 0 in batches without a producer id.
    assert!(with(-1, -1, 0, false).is_ok());
    for (id, epoch, sequence, transactional) in
        [(1, 0, -1, false), (1, -1, 0, false), (-1, -1, -1, true)]
    {
        let error = with(id, epoch, sequence, transactional).unwrap_err();
        assert_eq!(error.code(), Code::InvalidRecord);
    }
}

#[test]
fn unknown_codecs_are_named() {
    for codec in [5, 6, 7] {
        let bytes = patched(plain(), 22, &[codec]);
        assert_eq!(code(&bytes), Code::UnsupportedCompressionType);
    }
}

#[test]
fn a_batch_above_max_message_bytes_is_too_large() {
    let mut config = TopicConfig {
        max_message_bytes: plain().len() as u32,
        ..TopicConfig::default()
    };
    assert!(check(&plain(), &config).is_ok());
    config.max_message_bytes -= 1;
    let error = check(&plain(), &config).unwrap_err();
    assert_eq!(error.code(), Code::MessageTooLarge);
}

#[test]
fn a_batch_made_larger_by_the_topics_codec_is_too_large() {
    let options = BuildOptions {
        compression: Compression::Zstd,
        ..BuildOptions::default()
    };
    let packed = build(&options);
    assert!(packed.len() < plain().len());
    let config = TopicConfig {
        compression: Some(Compression::None),
        max_message_bytes: packed.len() as u32,
        ..TopicConfig::default()
    };
    let error = check(&packed, &config).unwrap_err();
    assert_eq!(error.code(), Code::MessageTooLarge);
}

#[test]
fn a_bomb_is_refused_without_being_unpacked() {
    let mut builder = BatchBuilder::default();
    builder.push(NOW, None, Some(&vec![0; 80 << 20]), &[]);
    let options = BuildOptions {
        compression: Compression::Zstd,
        ..BuildOptions::default()
    };
    let bomb = builder.finish(&options).unwrap();
    let config = TopicConfig::default();
    assert!(bomb.len() < config.max_message_bytes as usize);
    let error = check(bomb, &config).unwrap_err();
    assert_eq!(error.code(), Code::MessageTooLarge);
}

#[test]
fn a_batch_that_unfolds_beyond_the_topics_own_limit_is_refused() {
    let options = BuildOptions {
        compression: Compression::Zstd,
        ..BuildOptions::default()
    };
    let packed = build(&options);
    let plain_bytes = plain().len() - HEADER_BYTES;
    let limited_to = |max_decompressed_message_bytes| TopicConfig {
        max_decompressed_message_bytes,
        ..TopicConfig::default()
    };
    assert!(check(&packed, &limited_to(plain_bytes as u32)).is_ok());
    let error = check(&packed, &limited_to(plain_bytes as u32 - 1)).unwrap_err();
    assert_eq!(error.code(), Code::MessageTooLarge);
}

#[test]
fn timestamps_must_be_within_the_topics_bounds() {
    let config = TopicConfig {
        message_timestamp_before_max_ms: 1000,
        message_timestamp_after_max_ms: 500,
        ..TopicConfig::default()
    };
    let with = |distance: i64, trusted: bool| {
        let mut builder = BatchBuilder::default();
        builder.push(NOW, None, None, &[]);
        builder.push(Timestamp::NONE, None, None, &[]);
        builder.push(Timestamp(NOW.get() + distance), None, None, &[]);
        let bytes = builder.finish(&BuildOptions::default()).unwrap();
        let rules = Rules {
            config: &config,
            now: NOW,
            internal: false,
            trusted,
        };
        validate(bytes, &rules).map_err(|e| e.code()).err()
    };
    assert_eq!(with(-1000, false), None);
    assert_eq!(with(-1001, false), Some(Code::InvalidTimestamp));
    assert_eq!(with(500, false), None);
    assert_eq!(with(501, false), Some(Code::InvalidTimestamp));
    assert_eq!(with(501, true), Some(Code::InvalidTimestamp));
}

#[test]
fn extreme_timestamps_do_not_overflow() {
    for at in [i64::MIN, i64::MAX, -2, 0] {
        let mut builder = BatchBuilder::default();
        builder.push(NOW, None, None, &[]);
        builder.push(Timestamp(at), None, None, &[]);
        let bytes = builder.finish(&BuildOptions::default()).unwrap();
        let found = check(bytes, &TopicConfig::default()).map_err(|e| e.code());
        let expected = (at == i64::MAX).then_some(Code::InvalidTimestamp);
        assert_eq!(found.err(), expected, "{at}");
    }
}

#[test]
fn compacted_topics_need_keys_even_from_this_process() {
    let config = TopicConfig {
        cleanup: Cleanup {
            delete: false,
            compact: true,
        },
        ..TopicConfig::default()
    };
    let mut builder = BatchBuilder::default();
    builder.push(NOW, Some(b"k"), None, &[]);
    assert!(check(builder.finish(&BuildOptions::default()).unwrap(), &config).is_ok());
    builder.push(NOW, None, None, &[]);
    let bytes = builder.finish(&BuildOptions::default()).unwrap();
    for trusted in [false, true] {
        let rules = Rules {
            config: &config,
            now: NOW,
            internal: false,
            trusted,
        };
        let error = validate(bytes, &rules).unwrap_err();
        assert_eq!(error.code(), Code::InvalidRecord);
        let told = error.message();
        assert!(told.contains("record 1: a record without a key"), "{error}");
    }
}

#[test]
fn control_batches_come_from_coordinators_only() {
    let marker = control_batch(true, 0, NOW, ProducerId(1), ProducerEpoch(0));
    assert_eq!(code(&marker), Code::InvalidRecord);
    let config = TopicConfig {
        compression: Some(Compression::Zstd),
        ..TopicConfig::default()
    };
    let rules = Rules {
        config: &config,
        now: NOW,
        internal: true,
        trusted: false,
    };
    let checked = validate(&marker, &rules).unwrap();
    assert!(checked.rewritten.is_none(), "control is never compressed");
}

#[test]
fn log_append_time_changes_the_header_alone() {
    let config = TopicConfig {
        message_timestamp_type: TimestampType::LogAppendTime,
        ..TopicConfig::default()
    };
    let options = BuildOptions {
        compression: Compression::Lz4,
        ..BuildOptions::default()
    };
    let source = build(&options);
    for trusted in [false, true] {
        let rules = Rules {
            config: &config,
            now: Timestamp(5),
            internal: false,
            trusted,
        };
        let checked = validate(&source, &rules).unwrap();
        let stored = checked.rewritten.unwrap();
        let view = BatchView::parse(&stored).unwrap();
        view.check_crc().unwrap();
        assert_eq!(checked.batches[0], *view.header());
        assert_eq!(view.header().max_timestamp, Timestamp(5));
        assert_eq!(view.header().base_timestamp, NOW);
        assert_eq!(view.payload(), &source[HEADER_BYTES..]);
        let mut scratch = Vec::new();
        let first = view.records(&mut scratch, 1 << 20).unwrap().next();
        assert_eq!(first.unwrap().unwrap().timestamp, Timestamp(5));
    }
}

#[test]
fn the_topics_codec_replaces_the_producers() {
    for wanted in Compression::ALL {
        let config = TopicConfig {
            compression: Some(wanted),
            ..TopicConfig::default()
        };
        for compression in Compression::ALL {
            let same = BuildOptions {
                compression: wanted,
                ..BuildOptions::default()
            };
            let options = BuildOptions {
                compression,
                ..BuildOptions::default()
            };
            // What is as wanted must be copied, in front of a change and behind it.
            let run = [build(&same), build(&options), build(&same)].concat();
            let checked = check(&run, &config).unwrap();
            assert_eq!(checked.rewritten.is_some(), wanted != compression);
            let stored = checked.rewritten.unwrap_or(run);
            let found: Vec<_> = Batches::new(&stored).map(Result::unwrap).collect();
            assert_eq!(found.len(), 3);
            for (view, header) in found.iter().zip(&checked.batches) {
                view.check_crc().unwrap();
                assert_eq!(view.header(), header);
                assert_eq!(view.compression().unwrap(), wanted);
                let mut scratch = Vec::new();
                let records = view.records(&mut scratch, 1 << 20).unwrap();
                assert_eq!(records.map(Result::unwrap).count(), 3);
            }
        }
    }
}

#[test]
fn a_false_max_timestamp_is_put_right() {
    let wrong = patched(plain(), 35, &(NOW.get() + 100).to_be_bytes());
    let checked = check(&wrong, &TopicConfig::default()).unwrap();
    assert_eq!(checked.batches[0].max_timestamp, Timestamp(NOW.get() + 2));
    assert_eq!(checked.rewritten.unwrap(), plain());
}

#[test]
fn a_clients_log_append_time_is_refused() {
    let options = BuildOptions {
        timestamp_type: TimestampType::LogAppendTime,
        append_time: NOW,
        ..BuildOptions::default()
    };
    assert_eq!(code(&build(&options)), Code::InvalidTimestamp);
}

#[test]
fn errors_say_where() {
    let mut run = plain().repeat(2);
    let at = plain().len();
    *run.last_mut().unwrap() ^= 1;
    let error = check(&run, &TopicConfig::default()).unwrap_err();
    assert!(error.message().starts_with(&format!("position {at}: ")));
}

#[test]
fn a_trusted_batch_is_not_walked() {
    let mut batch = plain();
    *batch.last_mut().unwrap() ^= 1;
    let config = TopicConfig::default();
    let rules = Rules {
        config: &config,
        now: NOW,
        internal: false,
        trusted: true,
    };
    let checked = validate(&batch, &rules).unwrap();
    assert_eq!(checked.records, 3);
    assert_eq!(checked.batches[0].base_offset, Offset::ZERO);
}
