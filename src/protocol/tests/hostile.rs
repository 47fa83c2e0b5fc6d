//! Any bytes: refused or read, never a panic, never much memory.

use proptest::prelude::*;

use crate::protocol::api::for_each_api;
use crate::protocol::messages::*;
use crate::protocol::sampler::Sampler;
use crate::protocol::{
    ApiKey, Message, MessageWriter, Reader, RequestHeader, Wire, rewrite_request, rewrite_response,
};

type Rewrite = fn(ApiKey, i16, &mut Reader<'_>, &mut MessageWriter) -> crate::Result<()>;

/// What is read must be writable, and what is written must read as the same.
fn rewrite_settles(rewrite: Rewrite, api: ApiKey, version: i16, bytes: &[u8]) {
    let mut first = MessageWriter::new();
    if rewrite(api, version, &mut Reader::new(bytes), &mut first).is_err() {
        return;
    }
    let first = first.into_chunks().concat();
    let mut second = MessageWriter::new();
    let mut r = Reader::new(&first);
    rewrite(api, version, &mut r, &mut second).expect("our own bytes");
    assert_eq!(r.remaining(), 0, "{api} {version}");
    assert_eq!(second.into_chunks().concat(), first, "{api} {version}");
}

fn in_every_version(bytes: &[u8]) {
    for api in ApiKey::ALL {
        for version in api.version_min()..=api.version_declared_max() {
            rewrite_settles(rewrite_request, *api, version, bytes);
            rewrite_settles(rewrite_response, *api, version, bytes);
        }
    }
}

/// Bytes as they occur in messages: small numbers, lengths, nulls.
fn likely() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => 0u8..6,
        1 => Just(0xff),
        1 => Just(0x7f),
        2 => any::<u8>(),
    ];
    proptest::collection::vec(byte, 0..160)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_panic(bytes in prop_oneof![likely(), proptest::collection::vec(any::<u8>(), 0..160)]) {
        in_every_version(&bytes);
    }

    #[test]
    fn no_bytes_panic_as_a_header(bytes in likely()) {
        let mut r = Reader::new(&bytes);
        if let Ok(header) = RequestHeader::read(&mut r) {
            let mut w = MessageWriter::new();
            header.write(&mut w);
            let again = RequestHeader::read(&mut Reader::new(&w.out.bytes));
            prop_assert_eq!(again.unwrap(), header);
        }
    }
}

/// True messages with one byte changed, and cut anywhere.
macro_rules! damaged {
    ($( $name:ident = $number:literal: $file:ident::{$request:ident, $response:ident}, )+) => {
        #[test]
        fn damaged_messages_do_not_panic() {
            $( for version in $file::$request::VERSION_MIN..=$file::$request::VERSION_MAX {
                let api = ApiKey::$name;
                let at = $file::$request::version(version).unwrap();
                let value = $file::$request::sample(&mut Sampler::new(5), at);
                damage(rewrite_request, api, version, &bytes_of(&value, version));
                let value = $file::$response::sample(&mut Sampler::new(5), at);
                damage(rewrite_response, api, version, &bytes_of(&value, version));
            } )+
        }
    };
}

for_each_api!(damaged);

fn bytes_of<'a>(message: &impl Message<'a>, version: i16) -> Vec<u8> {
    let mut w = MessageWriter::new();
    message.encode(&mut w, version).unwrap();
    w.into_chunks().concat()
}

fn damage(rewrite: Rewrite, api: ApiKey, version: i16, bytes: &[u8]) {
    // Record bytes are long and looked at by nobody here.
    for at in 0..bytes.len().min(200) {
        rewrite_settles(rewrite, api, version, &bytes[..at]);
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut changed = bytes.to_vec();
            changed[at] = value;
            rewrite_settles(rewrite, api, version, &changed);
        }
    }
}

#[test]
fn a_claimed_length_takes_no_memory() {
    // Topics: as many as the varint can say; then nothing.
    let claims = [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0xff, 0xff, 0x7f]];
    for claim in claims {
        let refused = metadata::MetadataRequest::decode(&mut Reader::new(claim), 12);
        assert_eq!(refused.unwrap_err().kind(), crate::Kind::Corrupt);
    }
    let classic = 0x7fff_ffff_i32.to_be_bytes();
    let refused = metadata::MetadataRequest::decode(&mut Reader::new(&classic), 4);
    assert!(refused.unwrap_err().message().contains("elements"));
}

#[test]
fn arrays_share_one_allowance() {
    // Topics without a name and without partitions take 3 bytes each, and many more in memory.
    let count: u32 = 2_000_000;
    let mut w = MessageWriter::new();
    w.length(true, Some(count as usize));
    for _ in 0..count {
        w.out.bytes.extend_from_slice(&[1, 1, 0]);
    }
    let bytes = [&[1, 0, 0, 0, 0, 1, 0][..], &w.out.bytes].concat();
    let refused = offset_commit::OffsetCommitRequest::decode(&mut Reader::new(&bytes), 8);
    let refused = refused.unwrap_err();
    assert!(
        refused.message().contains("more than a message may have"),
        "{refused}"
    );
}
