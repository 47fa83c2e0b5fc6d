//! Records as Kafka writes them, and bytes that nobody should have written.

use proptest::prelude::*;

use super::{decode, key, value};
use crate::engine::txn::requests::{ClientVersion, ProducerIdentity};
use crate::engine::txn::state::TxnState;
use crate::engine::txn::transaction::{Partitions, Transaction};
use crate::types::{ProducerEpoch, ProducerId, Timestamp};

fn ongoing() -> Transaction {
    let mut partitions = Partitions::new();
    partitions.insert("t".into(), [0, 3].into());
    Transaction {
        producer: ProducerIdentity {
            id: ProducerId(7),
            epoch: ProducerEpoch(2),
        },
        previous_id: ProducerId(5),
        next_id: ProducerId::NONE,
        timeout_ms: 60_000,
        state: TxnState::Ongoing,
        partitions,
        updated_at: Timestamp(9),
        started_at: Timestamp(8),
        client: ClientVersion::V2,
    }
}

#[test]
fn a_record_is_byte_for_byte_what_its_definition_says() {
    assert_eq!(key("tx"), [0, 0, 0, 2, b't', b'x']);
    let expected = [
        &[0, 1][..],                        // version
        &[0, 0, 0, 0, 0, 0, 0, 7],          // producer id
        &[0, 2],                            // epoch
        &[0, 0, 0xea, 0x60],                // time-out
        &[1],                               // ongoing
        &[2, 2, b't', 3],                   // one topic, its name, two partitions
        &[0, 0, 0, 0, 0, 0, 0, 3, 0],       // 0, 3, no tags
        &[0, 0, 0, 0, 0, 0, 0, 9],          // last update
        &[0, 0, 0, 0, 0, 0, 0, 8],          // start
        &[2, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5], // two tags: the previous id
        &[2, 2, 0, 2],                      // and the client's version
    ]
    .concat();
    assert_eq!(value(&ongoing()), expected);
}

#[test]
fn version_0_is_read() {
    let old = [
        &[0, 0][..],
        &[0, 0, 0, 0, 0, 0, 0, 7],
        &[0, 2],
        &[0, 0, 0xea, 0x60],
        &[1],
        &[0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3],
        &[0, 0, 0, 0, 0, 0, 0, 9],
        &[0, 0, 0, 0, 0, 0, 0, 8],
    ]
    .concat();
    let (id, read) = decode(&key("tx"), Some(&old)).unwrap().unwrap();
    assert_eq!(&*id, "tx");
    let expected = Transaction {
        previous_id: ProducerId::NONE,
        client: ClientVersion::V0,
        ..ongoing()
    };
    assert_eq!(read, Some(expected));
}

#[test]
fn what_is_written_is_read_and_an_empty_one_has_no_partitions() {
    for state in TxnState::ALL {
        let written = Transaction {
            state,
            next_id: ProducerId(11),
            partitions: match state {
                TxnState::Empty => Partitions::new(),
                _ => ongoing().partitions,
            },
            ..ongoing()
        };
        let (_, read) = decode(&key("tx"), Some(&value(&written))).unwrap().unwrap();
        assert_eq!(read, Some(written));
    }
    let empty = Transaction {
        state: TxnState::Empty,
        partitions: Partitions::new(),
        ..ongoing()
    };
    assert_eq!(value(&empty)[17], 0, "null");
    assert_eq!(decode(&key("tx"), None).unwrap().unwrap().1, None);
}

#[test]
fn other_kinds_are_passed_over_and_damage_is_named() {
    assert_eq!(decode(&[0, 9, 1, 2], Some(&[1])).unwrap(), None);
    let bytes = value(&ongoing());
    let cut = decode(&key("tx"), Some(&bytes[..bytes.len() - 1])).unwrap_err();
    assert!(cut.message().contains("transactional id tx"), "{cut}");
    let newer = decode(&key("tx"), Some(&[0, 2])).unwrap_err();
    assert!(newer.message().contains("version 2"), "{newer}");
    let mut unknown = bytes.clone();
    unknown[16] = 9;
    let error = decode(&key("tx"), Some(&unknown)).unwrap_err();
    assert!(error.message().contains("9 is no state"), "{error}");
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = decode(&key("tx"), Some(&bytes));
        let _ = decode(&bytes, Some(&bytes));
    }

    #[test]
    fn no_damage_to_a_real_record_makes_reading_panic(
        at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = value(&ongoing());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode(&key("tx"), Some(&bytes));
    }
}
