//! Bytes made by other implementations: Kafka's own Java client (4.4), the command lines of gzip,
//! lz4 and zstd, and Arrow's snappy.

use super::*;
use crate::error::Code;

const PLAIN: &[u8] = br#"{"carrier":"UA","flight":1545,"carrier":"UA","flight":1714}"#;

/// Java, gzip.
const JAVA_GZIP: &str = "1f8b08000000000000ffab564a4e2c2aca4c2d52b2520a7554d2514acbc94ccf2851b232343531d5c129696e\
     68520b0062d9b9403b000000";

/// Java, snappy in its framing.
const JAVA_SNAPPY: &str = "82534e41505059000000000100000001000000283b747b2263617272696572223a225541222c22666c696768\
     74223a313534352c621d000c3731347d";

/// Java, an lz4 frame.
const JAVA_LZ4: &str = "04224d1860408229000000ff0f7b2263617272696572223a225541222c22666c69676874223a313534352c1d\
     000550313731347d00000000";

/// Java, a zstd frame without content size.
const JAVA_ZSTD: &str = "28b52ffd005854010024027b2263617272696572223a225541222c22666c69676874223a313534352c373134\
     7d010082453901010000";

/// Arrow, one raw snappy block, as librdkafka sends it.
const RAW_SNAPPY: &str =
    "3b747b2263617272696572223a225541222c22666c69676874223a313534352c621d000c3731347d";

/// `gzip -N`: a header with a name.
const GZIP_NAMED: &str = "1f8b08085b0e046b0003736d616c6c00ab564a4e2c2aca4c2d52b2520a7554d2514acbc94ccf2851b2323435\
     31d5c129696e68520b0062d9b9403b000000";

/// `lz4 -9`: blocks of 4 MB, checksum of the content.
const LZ4_CHECKED: &str = "04224d186440a729000000ff0f7b2263617272696572223a225541222c22666c69676874223a313534352c1d\
     000550313731347d00000000083e3c9c";

/// `zstd`: content size and checksum.
const ZSTD_CHECKED: &str = "28b52ffd243b55010024027b2263617272696572223a225541222c22666c69676874223a313534352c373134\
     7d01008245390125996cc7";

/// `lz4 -B4 -BD -BX --content-size`: linked blocks, all checksums, 70,000 bytes counting to 251.
const LZ4_LINKED: &str = "04224d185c407011010000000000e305020000ffec000102030405060708090a0b0c0d0e0f10111213141516\
     1718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142\
     434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e\
     6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a\
     9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6\
     c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2\
     f3f4f5f6f7f8f9fafb00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
     ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
     ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
     ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
     ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
     ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
     ffec5014151617188c2baf2d1b0000000fe7ffffffffffffffffffffffffffffffffffff6950d9dadbdcddc0\
     a6fd6f000000003192d374";

/// Java, zstd, 70,000 bytes counting to 251.
const JAVA_ZSTD_BLOCKS: &str = "28b52ffd00582c0800b40f000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\
     2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c\
     4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778\
     797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4\
     a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0\
     d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fa0100\
     7b39087f6ea4010000";

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |b: u8| (b as char).to_digit(16).unwrap() as u8;
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|p| digit(p[0]) << 4 | digit(p[1])).collect()
}

fn counting() -> Vec<u8> {
    (0..70_000u32).map(|n| (n % 251) as u8).collect()
}

fn read(codec: Compression, packed: &[u8]) -> crate::Result<Vec<u8>> {
    let mut out = Vec::new();
    decompress(codec, packed, 1 << 20, &mut out).map(|()| out)
}

#[test]
fn what_others_wrote_is_read() {
    use Compression::{Gzip, Lz4, Snappy, Zstd};
    for (codec, packed) in [
        (Gzip, JAVA_GZIP),
        (Snappy, JAVA_SNAPPY),
        (Lz4, JAVA_LZ4),
        (Zstd, JAVA_ZSTD),
        (Snappy, RAW_SNAPPY),
        (Gzip, GZIP_NAMED),
        (Lz4, LZ4_CHECKED),
        (Zstd, ZSTD_CHECKED),
    ] {
        assert_eq!(
            read(codec, &bytes(packed)).unwrap(),
            PLAIN,
            "{codec} {packed}"
        );
    }
    assert_eq!(read(Lz4, &bytes(LZ4_LINKED)).unwrap(), counting());
    assert_eq!(read(Zstd, &bytes(JAVA_ZSTD_BLOCKS)).unwrap(), counting());
}

#[test]
fn nothing_compressed_by_java_is_nothing() {
    for (codec, packed) in [
        (
            Compression::Gzip,
            "1f8b08000000000000ff03000000000000000000",
        ),
        (Compression::Snappy, "82534e41505059000000000100000001"),
        (Compression::Lz4, "04224d1860408200000000"),
        (Compression::Zstd, "28b52ffd2000010000"),
    ] {
        assert_eq!(read(codec, &bytes(packed)).unwrap(), b"", "{codec}");
        let empty = read(codec, b"");
        // Snappy's framing may hold no block; the others have a header at least.
        assert!(empty.is_err(), "{codec}");
    }
}

#[test]
fn what_we_write_is_framed_as_java_frames_it() {
    for (codec, packed, same_bytes) in [
        (Compression::Gzip, JAVA_GZIP, 56),
        (Compression::Snappy, JAVA_SNAPPY, 60),
        // The frame header; the two find different matches in a block.
        (Compression::Lz4, JAVA_LZ4, 7),
        // Ours says the content size where Java's stream cannot.
        (Compression::Zstd, JAVA_ZSTD, 4),
    ] {
        let mut out = Vec::new();
        compress(codec, None, PLAIN, &mut out).unwrap();
        assert_eq!(out[..same_bytes], bytes(packed)[..same_bytes], "{codec}");
    }
}

#[test]
fn streams_one_after_the_other_are_read_as_one() {
    let twice = [PLAIN, PLAIN].concat();
    for (codec, first, second) in [
        (Compression::Gzip, JAVA_GZIP, GZIP_NAMED),
        (Compression::Snappy, JAVA_SNAPPY, JAVA_SNAPPY),
        (Compression::Lz4, JAVA_LZ4, LZ4_CHECKED),
        (Compression::Zstd, JAVA_ZSTD, ZSTD_CHECKED),
    ] {
        let both = [bytes(first), bytes(second)].concat();
        assert_eq!(read(codec, &both).unwrap(), twice, "{codec}");
    }
}

#[test]
fn frames_for_others_are_skipped() {
    let skipped = bytes("512a4d1803000000616263");
    for (codec, packed) in [(Compression::Lz4, JAVA_LZ4), (Compression::Zstd, JAVA_ZSTD)] {
        let both = [skipped.clone(), bytes(packed)].concat();
        assert_eq!(read(codec, &both).unwrap(), PLAIN, "{codec}");
    }
}

#[test]
fn every_checksum_is_checked() {
    // The last byte of each is part of one; in the linked frame so are those behind the blocks.
    for (codec, packed) in [
        (Compression::Gzip, GZIP_NAMED),
        (Compression::Lz4, LZ4_CHECKED),
        (Compression::Zstd, ZSTD_CHECKED),
        (Compression::Lz4, LZ4_LINKED),
    ] {
        let good = bytes(packed);
        let mut refused = 0;
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            match read(codec, &bad) {
                Ok(plain) => assert!(plain == PLAIN || plain == counting(), "{codec} byte {at}"),
                Err(error) => {
                    assert!([Code::CorruptMessage, Code::MessageTooLarge].contains(&error.code()));
                    refused += 1;
                }
            }
        }
        // Of a gzip header the time, the name and the system mean nothing.
        assert!(
            refused + 16 >= good.len(),
            "{codec}: {refused} of {}",
            good.len()
        );
    }
}

#[test]
fn an_error_says_what_and_where() {
    let error = read(Compression::Lz4, &bytes(&JAVA_LZ4[..60])).unwrap_err();
    assert_eq!(
        error.message(),
        "damaged lz4 data at byte 11 of 30: block cut short"
    );
    let error = decompress(Compression::Zstd, &bytes(JAVA_ZSTD), 58, &mut Vec::new()).unwrap_err();
    assert!(error.message().contains("more than 58 bytes"), "{error}");
}
