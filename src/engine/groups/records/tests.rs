//! Records that Kafka wrote, and bytes that nobody should have written.

use proptest::prelude::*;

use super::{What, decode, encode};
use crate::engine::groups::offsets_partition;
use crate::engine::groups::testing::{Topics, hex};
use crate::engine::groups::{Coordinator, GroupSettings, GroupState, GroupType, Replayed};
use crate::error::Kind;

const KAFKA: &str =
    include_str!("../../../../tests/golden/groups/kafka-4.4.0-consumer-offsets.txt");

type Stored = (i32, Vec<u8>, Option<Vec<u8>>);

fn golden() -> Vec<Stored> {
    let lines = KAFKA.lines().filter(|line| !line.starts_with('#'));
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        let value = (fields[3] != "-").then(|| hex(fields[3]));
        (fields[0].parse().unwrap(), hex(fields[2]), value)
    };
    lines.map(parse).collect()
}

#[test]
fn what_kafka_wrote_is_read_and_written_alike() {
    let mut same = 0;
    for (partition, key, value) in golden() {
        let change = decode(&key, value.as_deref()).unwrap().unwrap();
        assert_eq!(offsets_partition(&change.group, 8), partition);
        let (key_again, value_again) = encode(&change);
        assert_eq!(key_again, key);
        // Kafka writes topics and partitions in the order of a hash map, we in theirs.
        same += usize::from(value_again == value);
        assert_eq!(
            value_again.as_ref().map(Vec::len),
            value.as_ref().map(Vec::len)
        );
        assert_eq!(
            decode(&key_again, value_again.as_deref()).unwrap(),
            Some(change)
        );
    }
    assert!(same > 70, "{same} of 76 are equal byte for byte");
}

#[test]
fn a_guest_is_stored_as_kafka_stores_it() {
    // Kafka 4.4.0: a member of the classic protocol, with a session timeout of 10 s, in a group "m1".
    let key = hex("000500026d310016694146524254456d525532727442684152515a396141");
    let value = hex(
        "000000000670726f62650b2f3132372e302e302e31020274010000ea6000010020010000271002067\
         2616e676512000100000001000174ffffffff000000000000",
    );
    let change = decode(&key, Some(&value)).unwrap().unwrap();
    assert_eq!(encode(&change), (key, Some(value)));
    let What::Member {
        value: Some(member),
        ..
    } = change.what
    else {
        panic!("not a member");
    };
    let said = member.classic.unwrap();
    assert_eq!(said.session_timeout_ms, 10_000);
    assert_eq!(&*said.protocols[0].0, "range");
}

#[test]
fn groups_that_kafka_left_are_known_here() {
    let mut groups = Coordinator::new(GroupSettings::default());
    for (_, key, value) in golden() {
        let replayed = groups.replay(&key, value.as_deref(), None).unwrap();
        assert_eq!(replayed, Replayed::Applied);
    }
    let states: Vec<(String, GroupType, GroupState)> = groups
        .list()
        .into_iter()
        .map(|g| (g.id.to_string(), g.kind, g.state))
        .collect();
    let expected = [
        ("classic", GroupType::Classic, GroupState::Stable),
        ("gone", GroupType::Consumer, GroupState::Empty),
        ("pattern", GroupType::Consumer, GroupState::Stable),
        ("ranged", GroupType::Consumer, GroupState::Stable),
        ("simple", GroupType::Classic, GroupState::Empty),
        // Its only member left for a while, which Kafka calls reconciling.
        ("static", GroupType::Consumer, GroupState::Reconciling),
        ("story", GroupType::Consumer, GroupState::Stable),
    ];
    let expected = expected.map(|(id, kind, state)| (id.to_string(), kind, state));
    assert_eq!(states, expected);

    let story = groups.describe("story", &Topics::default()).unwrap();
    assert_eq!((story.epoch, story.target_epoch), (3, 3));
    for member in &story.members {
        let held: Vec<i32> = member.assigned.values().flatten().copied().collect();
        let expected = if member.client_id.as_ref() == "ann" {
            [0, 1]
        } else {
            [2, 3]
        };
        assert_eq!(held, expected);
        assert_eq!(member.assigned, member.target);
        assert_eq!(member.epoch, 3);
    }
    let seat = &groups
        .describe("static", &Topics::default())
        .unwrap()
        .members[0];
    assert_eq!(
        (seat.epoch, seat.instance_id.as_deref()),
        (-2, Some("seat-1"))
    );
    let pattern = groups.consumer_group("pattern").unwrap();
    let found: Vec<&str> = pattern.regexes()["(^orders.*)"]
        .topics
        .iter()
        .map(|t| &**t)
        .collect();
    assert_eq!(found, ["orders", "orders-eu"]);
}

#[test]
fn unknown_kinds_are_passed_over_and_damage_is_named() {
    assert_eq!(decode(&[0, 11, 0, 1, b'g'], Some(&[9])).unwrap(), None);
    let (key, value) = golden()
        .into_iter()
        .find_map(|(_, k, v)| Some((k, v?)))
        .unwrap();
    let error = decode(&key, Some(&value[..value.len() - 1])).unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(error.message().contains("kind 5"), "{error}");
    let newer = decode(&key, Some(&[0, 9])).unwrap_err();
    assert!(newer.message().contains("version 9"), "{newer}");
}

#[test]
fn offsets_of_old_versions_are_read() {
    let key = [0, 1, 0, 1, b'g', 0, 1, b't', 0, 0, 0, 2];
    let old: [&[u8]; 2] = [
        // Version 0: offset, metadata, commit time. Version 1: and expiry.
        &[
            0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 1, b'm', 0, 0, 0, 0, 0, 0, 0, 9,
        ],
        &[
            0, 1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 8,
        ],
    ];
    let read = |bytes: &[u8]| match decode(&key, Some(bytes)).unwrap().unwrap().what {
        What::Offset {
            value: Some(v),
            partition: 2,
            ..
        } => v,
        other => panic!("{other:?}"),
    };
    let [zero, one] = old.map(read);
    assert_eq!(
        (zero.offset.get(), &*zero.metadata, zero.committed_at.get()),
        (5, "m", 9)
    );
    assert_eq!((zero.leader_epoch.get(), zero.expires_at), (-1, None));
    assert_eq!(one.expires_at.map(|t| t.get()), Some(8));
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(
        number in 0i16..20, key in prop::collection::vec(any::<u8>(), 0..40),
        value in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut whole = number.to_be_bytes().to_vec();
        whole.extend(key);
        let _ = decode(&whole, Some(&value));
    }

    #[test]
    fn no_damage_to_a_real_record_makes_reading_panic(
        which in 0usize..76, at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let (_, key, value) = golden().remove(which);
        if let Some(mut value) = value {
            let at = at.index(value.len());
            value[at] = byte;
            let _ = decode(&key, Some(&value));
        }
    }
}
