use proptest::prelude::*;

use super::*;
use crate::error::Code;

const LIMIT: usize = 1 << 20;

fn pack(codec: Compression, level: Level, plain: &[u8]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    compress(codec, level, plain, &mut out).unwrap();
    assert_eq!(&out[..6], b"before");
    out.split_off(6)
}

fn unpack(codec: Compression, packed: &[u8], limit: usize) -> crate::Result<Vec<u8>> {
    let mut out = b"before".to_vec();
    let done = decompress(codec, packed, limit, &mut out);
    assert_eq!(&out[..6], b"before");
    if done.is_err() {
        assert_eq!(out.len(), 6, "an error leaves the target as it was");
    }
    done.map(|()| out.split_off(6))
}

/// Bytes that compress somewhat, as records do.
fn text(bytes: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes + 64);
    let mut n = 7u64;
    while out.len() < bytes {
        n = n
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        out.extend_from_slice(
            format!("{{\"id\":{},\"name\":\"x{}\"}}", n >> 40, n >> 60).as_bytes(),
        );
    }
    out.truncate(bytes);
    out
}

#[test]
fn round_trip_of_all_sizes_and_levels() {
    for codec in Compression::ALL {
        for bytes in [0, 1, 2, 100, 32768, 32769, 65535, 65536, 65537, 300_000] {
            let plain = text(bytes);
            let packed = pack(codec, None, &plain);
            assert_eq!(
                unpack(codec, &packed, bytes).unwrap(),
                plain,
                "{codec} {bytes}"
            );
        }
    }
    for (codec, level) in [
        (Compression::Gzip, -1),
        (Compression::Gzip, 1),
        (Compression::Gzip, 9),
        (Compression::Lz4, 1),
        (Compression::Lz4, 17),
        (Compression::Zstd, -7),
        (Compression::Zstd, 1),
        (Compression::Zstd, 22),
    ] {
        let plain = text(100_000);
        let packed = pack(codec, Some(level), &plain);
        assert_eq!(
            unpack(codec, &packed, LIMIT).unwrap(),
            plain,
            "{codec} {level}"
        );
    }
}

#[test]
fn levels_outside_kafkas_ranges_are_refused() {
    for (codec, level) in [
        (Compression::None, 1),
        (Compression::Snappy, 1),
        (Compression::Gzip, 0),
        (Compression::Gzip, 10),
        (Compression::Gzip, -2),
        (Compression::Lz4, 0),
        (Compression::Lz4, 18),
        (Compression::Zstd, 23),
        (Compression::Zstd, -131_073),
    ] {
        let error = compress(codec, Some(level), b"x", &mut Vec::new()).unwrap_err();
        assert_eq!(
            error.code(),
            Code::InvalidConfig,
            "{codec} {level}: {error}"
        );
    }
}

#[test]
fn one_byte_over_the_limit_is_refused() {
    for codec in Compression::ALL {
        for bytes in [1, 1000, 100_000] {
            let plain = text(bytes);
            let packed = pack(codec, None, &plain);
            assert!(unpack(codec, &packed, bytes).is_ok());
            let error = unpack(codec, &packed, bytes - 1).unwrap_err();
            assert_eq!(
                error.code(),
                Code::MessageTooLarge,
                "{codec} {bytes}: {error}"
            );
        }
    }
}

#[test]
fn bombs_take_no_more_memory_than_the_limit() {
    let bomb = vec![0u8; 64 << 20];
    for codec in [
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        let packed = pack(codec, None, &bomb);
        let mut out = Vec::new();
        let error = decompress(codec, &packed, LIMIT, &mut out).unwrap_err();
        assert_eq!(error.code(), Code::MessageTooLarge, "{codec}: {error}");
        assert!(
            out.capacity() <= LIMIT + 64,
            "{codec} took {}",
            out.capacity()
        );
    }
}

#[test]
fn names_and_ids_are_kafkas() {
    for (id, name) in ["none", "gzip", "snappy", "lz4", "zstd"]
        .into_iter()
        .enumerate()
    {
        let codec = Compression::from_id(id as u8).unwrap();
        assert_eq!((codec.name(), codec.id()), (name, id as u8));
        assert_eq!(Compression::from_name(name), Some(codec));
    }
    assert_eq!(Compression::from_id(5), None);
    assert_eq!(Compression::from_name("GZIP"), None);
}

fn codecs() -> impl Strategy<Value = Compression> {
    prop::sample::select(&Compression::ALL[1..])
}

fn plains() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..3000),
        prop::collection::vec(0u8..3, 0..100_000),
        (0usize..150_000).prop_map(text),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn round_trip(codec in codecs(), plain in plains()) {
        let packed = pack(codec, None, &plain);
        prop_assert_eq!(unpack(codec, &packed, plain.len()).unwrap(), plain);
    }

    #[test]
    fn cut_short_is_an_error(codec in codecs(), plain in plains(), at in any::<prop::sample::Index>()) {
        let packed = pack(codec, None, &plain);
        let cut = &packed[..at.index(packed.len())];
        // Snappy's framing has no end mark: a cut between two blocks cannot be seen.
        match unpack(codec, cut, LIMIT) {
            Ok(out) => prop_assert!(codec == Compression::Snappy && plain.starts_with(&out)),
            Err(error) => prop_assert_eq!(error.code(), Code::CorruptMessage),
        }
    }

    #[test]
    fn mutated_input_never_panics_and_never_passes_the_limit(
        codec in codecs(),
        plain in plains(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        limit in 0usize..200_000,
    ) {
        let mut packed = pack(codec, None, &plain);
        for (at, byte) in flips {
            let at = at.index(packed.len());
            packed[at] = byte;
        }
        let mut out = Vec::new();
        let done = decompress(codec, &packed, limit, &mut out);
        prop_assert!(out.len() <= limit && out.capacity() <= limit + 64);
        if let Err(error) = done {
            prop_assert!([Code::CorruptMessage, Code::MessageTooLarge].contains(&error.code()));
        }
    }

    #[test]
    fn any_bytes_never_panic(codec in codecs(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut out = Vec::new();
        let _ = decompress(codec, &bytes, 10_000, &mut out);
        prop_assert!(out.capacity() <= 10_064);
    }
}
