//! Every message in every version against the crate kafka-protocol, which was made from Kafka's
//! definitions by others. It knows Kafka 4.1: versions that came later are listed, and compared with
//! Kafka's own bytes in `golden.rs`.

use kafka_protocol::messages as peer;
use kafka_protocol::protocol::{Decodable, Encodable, Message as PeerMessage};

use crate::protocol::api::for_each_api;
use crate::protocol::messages::*;
use crate::protocol::sampler::Sampler;
use crate::protocol::{Message, MessageWriter, Reader, Wire};

const SEEDS: u64 = 24;

/// Newest versions that the peer does not know: the message, and how many.
const UNKNOWN_TO_THE_PEER: &[(&str, i16)] = &[
    ("ListOffsetsRequest", 1),
    ("ListOffsetsResponse", 1),
    ("OffsetCommitRequest", 1),
    ("OffsetFetchRequest", 1),
    ("ApiVersionsRequest", 1),
    ("ApiVersionsResponse", 1),
    ("InitProducerIdRequest", 1),
    ("WriteTxnMarkersRequest", 1),
    ("WriteTxnMarkersResponse", 1),
    ("TxnOffsetCommitRequest", 1),
    ("TxnOffsetCommitResponse", 1),
    ("DescribeLogDirsRequest", 1),
    ("DescribeLogDirsResponse", 1),
    ("DeleteGroupsRequest", 1),
    ("DeleteGroupsResponse", 1),
];

/// Reads with the peer, to the end, and writes with it.
fn rewritten<M: Decodable + Encodable>(bytes: &[u8], version: i16, what: &str) -> Vec<u8> {
    let mut left = bytes::Bytes::copy_from_slice(bytes);
    let message = M::decode(&mut left, version).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert!(left.is_empty(), "{what}: the peer leaves {left:?}");
    let mut out = bytes::BytesMut::new();
    let written = message.encode(&mut out, version);
    written.unwrap_or_else(|e| panic!("{what}: {e}"));
    out.to_vec()
}

macro_rules! agree {
    ($unknown:ident, $message:ty, $peer:ty) => {{
        let name = <$message as Message>::NAME;
        let (min, max) = (<$message>::VERSION_MIN, <$message>::VERSION_MAX);
        let known = <$peer as PeerMessage>::VERSIONS;
        assert_eq!(min, known.min, "{name}");
        if known.max != max {
            $unknown.push((name, max - known.max));
        }
        for (version, seed) in (min..=max).flat_map(|v| (0..SEEDS).map(move |s| (v, s))) {
            let what = format!("{name} version {version}, seed {seed}");
            let at = <$message>::version(version).unwrap();
            let value = <$message>::sample(&mut Sampler::new(seed), at);
            let mut w = MessageWriter::new();
            value.encode(&mut w, version).unwrap();
            let bytes = w.into_chunks().concat();

            let mut r = Reader::new(&bytes);
            let read =
                <$message>::decode(&mut r, version).unwrap_or_else(|e| panic!("{what}: {e}"));
            r.end().unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(read, value, "{what}");
            if version <= known.max {
                assert_eq!(rewritten::<$peer>(&bytes, version, &what), bytes, "{what}");
            }
        }
    }};
}

macro_rules! all_agree {
    ($( $name:ident = $number:literal: $file:ident::{$request:ident, $response:ident}, )+) => {
        #[test]
        fn the_peer_reads_what_we_write_and_writes_the_same() {
            let mut unknown = Vec::new();
            $(
                agree!(unknown, $file::$request, peer::$request);
                agree!(unknown, $file::$response, peer::$response);
            )+
            assert_eq!(unknown, UNKNOWN_TO_THE_PEER);
        }

        #[test]
        fn keys_and_headers_are_the_peers() {
            use crate::protocol::ApiKey;
            $(
                let (ours, theirs) = (ApiKey::$name, peer::ApiKey::$name);
                assert_eq!(ours.number(), theirs as i16);
                assert_eq!(ApiKey::from_number($number), Some(ours));
                for version in ours.version_min()..=theirs.valid_versions().max {
                    let request = ours.request_header_version(version);
                    assert_eq!(request, theirs.request_header_version(version), "{ours}");
                    let response = ours.response_header_version(version);
                    assert_eq!(response, theirs.response_header_version(version), "{ours}");
                }
            )+
        }
    };
}

for_each_api!(all_agree);

#[test]
fn the_peer_agrees_on_what_consumers_tell_each_other() {
    use consumer_protocol::{ConsumerProtocolAssignment, ConsumerProtocolSubscription};

    let mut unknown = Vec::<(&str, i16)>::new();
    agree!(
        unknown,
        ConsumerProtocolSubscription,
        peer::ConsumerProtocolSubscription
    );
    agree!(
        unknown,
        ConsumerProtocolAssignment,
        peer::ConsumerProtocolAssignment
    );
    assert_eq!(unknown, []);
}
