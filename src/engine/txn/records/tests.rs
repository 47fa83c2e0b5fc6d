//! Records as Kafka writes them, and bytes that nobody should have written.

use proptest::prelude::*;

use super::{decode, key, value};
use crate::engine::txn::requests::{ClientVersion, ProducerIdentity};
use crate::engine::txn::state::TxnState;
use crate::engine::txn::transaction::{Partitions, Transaction};
use crate::engine::txn::{Coordinator, TxnSettings, state_partition};
use crate::types::{ProducerEpoch, ProducerId, Timestamp};

const KAFKA: &str =
    include_str!("../../../../tests/golden/transactions/kafka-4.4.0-transaction-state.txt");

fn hex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn what_kafka_wrote_is_read_and_written_alike_and_gone_on_from() {
    let mut coordinator = Coordinator::new(TxnSettings::default());
    let mut same = 0;
    let lines = KAFKA.lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let fields: Vec<&str> = line.split(' ').collect();
        let (bytes_key, bytes) = (hex(fields[2]), hex(fields[3]));
        let (id, read) = decode(&bytes_key, Some(&bytes)).unwrap().unwrap();
        assert_eq!(state_partition(&id, 8).to_string(), fields[0]);
        assert_eq!(key(&id), bytes_key);
        let again = value(read.as_ref().unwrap());
        // Kafka writes topics in the order of a hash map, we in theirs.
        assert_eq!(again.len(), bytes.len(), "{line}");
        same += usize::from(again == bytes);
        let (_, read_again) = decode(&bytes_key, Some(&again)).unwrap().unwrap();
        assert_eq!(read_again, read);
        coordinator.replay(&bytes_key, Some(&bytes)).unwrap();
    }
    assert!(same >= 28, "{same} of 30 are equal byte for byte");
    let told = |id: &str| {
        let t = coordinator.get(id).unwrap();
        (t.state, t.producer.id.get(), t.producer.epoch.get())
    };
    assert_eq!(told("committer"), (TxnState::CompleteAbort, 0, 3));
    assert_eq!(told("copier"), (TxnState::CompleteCommit, 1, 1));
    assert_eq!(told("fenced"), (TxnState::CompleteCommit, 2, 3));
    assert_eq!(told("open"), (TxnState::Ongoing, 3, 0));
    let open = coordinator.get("open").unwrap();
    assert_eq!(open.client, ClientVersion::V2);
    let held: Vec<String> = open.each_partition().map(|p| p.to_string()).collect();
    assert_eq!(held, ["bills-0", "orders-1"]);
}

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
