//! What Kafka's own classes write (`tests/golden/protocol`): read, and written again as the same.

use std::collections::BTreeSet;

use crate::protocol::messages::consumer_protocol::{
    ConsumerProtocolAssignment, ConsumerProtocolSubscription,
};
use crate::protocol::{ApiKey, Message, MessageWriter, Reader, rewrite_request, rewrite_response};

const GOLDEN: &str = include_str!("../../../tests/golden/protocol/kafka-4.4.0.txt");

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = (0..hex.len()).step_by(2);
    let bytes = digits.map(|at| u8::from_str_radix(&hex[at..at + 2], 16));
    bytes.collect::<Result<_, _>>().unwrap()
}

#[test]
fn kafkas_bytes_are_read_and_written() {
    let mut seen = BTreeSet::new();
    for line in GOLDEN.lines() {
        let [key, kind, first, last, hex] = *line.split(' ').collect::<Vec<_>>() else {
            panic!("{line}");
        };
        let bytes = bytes_of(hex);
        for version in first.parse().unwrap()..=last.parse().unwrap() {
            let mut r = Reader::new(&bytes);
            let mut w = MessageWriter::new();
            let api = key.parse().ok().and_then(ApiKey::from_number);
            let rewritten = match (kind, api) {
                ("request", Some(api)) => rewrite_request(api, version, &mut r, &mut w),
                ("response", Some(api)) => rewrite_response(api, version, &mut r, &mut w),
                ("subscription", None) => ConsumerProtocolSubscription::decode(&mut r, version)
                    .and_then(|read| read.encode(&mut w, version)),
                ("assignment", None) => ConsumerProtocolAssignment::decode(&mut r, version)
                    .and_then(|read| read.encode(&mut w, version)),
                _ => panic!("{line}"),
            };
            rewritten.unwrap_or_else(|e| panic!("{key} {kind} {version}: {e}"));
            assert_eq!(r.remaining(), 0, "{key} {kind} {version}");
            assert_eq!(w.into_chunks().concat(), bytes, "{key} {kind} {version}");
            seen.insert((api, kind, version));
        }
    }
    for api in ApiKey::ALL {
        for version in api.version_min()..=api.version_declared_max() {
            assert!(
                seen.contains(&(Some(*api), "request", version)),
                "{api} {version}"
            );
            assert!(
                seen.contains(&(Some(*api), "response", version)),
                "{api} {version}"
            );
        }
    }
}
