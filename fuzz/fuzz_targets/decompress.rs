//! The four codecs.
//!
//! Invariants:
//! - never panics, whatever the bytes; at most `LIMIT_BYTES` come out, and what stood in the buffer
//!   stays, also on an error;
//! - the same bytes give the same outcome with a buffer used before (contexts are reused);
//! - what is compressed comes back.
//!
//! Input: one byte for the codec, then the packed bytes, which serve as plain ones too.

#![no_main]

use levada::codec::compression::{Compression, compress, decompress};
use libfuzzer_sys::fuzz_target;

const LIMIT_BYTES: usize = 1 << 18;

fuzz_target!(|input: &[u8]| {
    let Some((codec, bytes)) = input.split_first() else {
        return;
    };
    let codec = Compression::ALL[usize::from(*codec) % Compression::ALL.len()];
    let mut into = b"kept".to_vec();
    let first = decompress(codec, bytes, LIMIT_BYTES, &mut into);
    assert!(into.starts_with(b"kept") && into.len() <= 4 + LIMIT_BYTES);
    if first.is_err() {
        assert_eq!(into, b"kept");
    }
    let mut again = Vec::new();
    let second = decompress(codec, bytes, LIMIT_BYTES, &mut again);
    assert_eq!(first.is_ok(), second.is_ok());
    assert_eq!(into[4..], again[..]);

    let mut packed = Vec::new();
    compress(codec, None, bytes, &mut packed).expect("anything can be compressed");
    let mut plain = Vec::new();
    decompress(codec, &packed, bytes.len(), &mut plain).expect("what was compressed comes back");
    assert_eq!(plain, bytes);
});
