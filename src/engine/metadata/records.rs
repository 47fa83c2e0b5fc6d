//! Kafka's metadata records (KIP-631), as far as one engine needs them: declared from the facts of
//! Kafka's message definitions, written so that Kafka's tools read them.
//!
//! A record is framed by an unsigned varint frame version (1), its type and its version, also varints.
//! What stands behind it is the structure. One record is the value of one log record; the records of
//! one command share a batch, and so are there together or not at all.

use super::wire::{Field, structure};
use crate::error::{Error, Kind, Result};
use crate::protocol::{Reader, Writer};
use crate::types::TopicId;

const FRAME_VERSION: u32 = 1;

structure! {
    /// Where a broker listens.
    BrokerEndpoint {
        name: String;
        host: String;
        port: u16;
        security_protocol: i16;
    }
}

structure! {
    /// A range of feature levels that a broker supports.
    BrokerFeature {
        name: String;
        min_supported_version: i16;
        max_supported_version: i16;
    }
}

structure! {
    /// A broker and its run. The engine registers itself once, fenced until a server listens.
    RegisterBrokerRecord {
        broker_id: i32;
        is_migrating_zk_broker: bool, since 2 = false;
        incarnation_id: TopicId;
        broker_epoch: i64;
        end_points: Vec<BrokerEndpoint>;
        features: Vec<BrokerFeature>;
        rack: Option<String>;
        fenced: bool;
        in_controlled_shutdown: bool, since 1 = false;
        #[tag(0)] log_dirs: Vec<TopicId> = Vec::new();
        #[tag(1)] cordoned_log_dirs: Option<Vec<TopicId>> = None;
    }
}

structure! {
    /// A topic exists under this name with this id.
    TopicRecord {
        name: String;
        topic_id: TopicId;
    }
}

structure! {
    /// A partition and where it lies.
    PartitionRecord {
        partition_id: i32;
        topic_id: TopicId;
        replicas: Vec<i32>;
        isr: Vec<i32>;
        removing_replicas: Vec<i32>;
        adding_replicas: Vec<i32>;
        leader: i32;
        leader_epoch: i32;
        partition_epoch: i32;
        directories: Vec<TopicId>, since 1 = Vec::new();
        #[tag(0)] leader_recovery_state: i8 = 0;
        #[tag(1)] eligible_leader_replicas: Option<Vec<i32>> = None;
        #[tag(2)] last_known_elr: Option<Vec<i32>> = None;
    }
}

structure! {
    /// What changed in a partition; what is not said stays.
    PartitionChangeRecord {
        partition_id: i32;
        topic_id: TopicId;
        #[tag(0)] isr: Option<Vec<i32>> = None;
        #[tag(1)] leader: i32 = -2;
        #[tag(2)] replicas: Option<Vec<i32>> = None;
        #[tag(3)] removing_replicas: Option<Vec<i32>> = None;
        #[tag(4)] adding_replicas: Option<Vec<i32>> = None;
        #[tag(5)] leader_recovery_state: i8 = -1;
        #[tag(6)] eligible_leader_replicas: Option<Vec<i32>> = None;
        #[tag(7)] last_known_elr: Option<Vec<i32>> = None;
        #[tag(8)] directories: Option<Vec<TopicId>> = None;
    }
}

structure! {
    /// One setting of a resource; without a value it is the default again.
    ConfigRecord {
        resource_type: i8;
        resource_name: String;
        name: String;
        value: Option<String>;
    }
}

structure! {
    /// The topic is gone, its partitions and settings with it.
    RemoveTopicRecord {
        topic_id: TopicId;
    }
}

structure! {
    /// The level that a feature has from here on.
    FeatureLevelRecord {
        name: String;
        feature_level: i16;
    }
}

structure! {
    /// Producer ids below this one are given out.
    ProducerIdsRecord {
        broker_id: i32;
        broker_epoch: i64;
        next_producer_id: i64;
    }
}

structure! {
    /// Nothing; Kafka's controllers write it to move the log on.
    NoOpRecord {}
}

/// One table: the record, its type, the newest version known and the one written.
macro_rules! records {
    ($($name:ident($body:ident) = $key:literal, known $known:literal, writes $writes:literal;)+) => {
        /// One metadata event.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum MetadataRecord { $($name($body)),+ }

        $(impl From<$body> for MetadataRecord {
            fn from(body: $body) -> Self {
                MetadataRecord::$name(body)
            }
        })+

        impl MetadataRecord {
            /// Kafka's number of the record's type.
            pub const fn key(&self) -> u32 {
                match self { $(MetadataRecord::$name(_) => $key),+ }
            }

            /// The framed bytes, the value of a log record.
            pub fn encode(&self) -> Vec<u8> {
                let mut w = Writer::with_capacity(64);
                w.uvarint(FRAME_VERSION);
                w.uvarint(self.key());
                match self {
                    $(MetadataRecord::$name(body) => {
                        w.uvarint($writes);
                        body.write(&mut w, $writes);
                    })+
                }
                w.bytes
            }

            fn body(key: u32, version: i16, r: &mut Reader<'_>) -> Result<Option<Self>> {
                Ok(Some(match key {
                    $($key if version > $known => return Err(newer(key, version)),
                    $key => MetadataRecord::$name(Field::read(r, version)?),)+
                    _ if SAFE_TO_SKIP.contains(&key) => return Ok(None),
                    _ => return Err(newer(key, version)),
                }))
            }
        }
    };
}

records! {
    RegisterBroker(RegisterBrokerRecord) = 0, known 4, writes 3;
    Topic(TopicRecord) = 2, known 0, writes 0;
    Partition(PartitionRecord) = 3, known 2, writes 2;
    Config(ConfigRecord) = 4, known 0, writes 0;
    PartitionChange(PartitionChangeRecord) = 5, known 2, writes 2;
    RemoveTopic(RemoveTopicRecord) = 9, known 0, writes 0;
    FeatureLevel(FeatureLevelRecord) = 12, known 0, writes 0;
    ProducerIds(ProducerIdsRecord) = 15, known 0, writes 0;
    NoOp(NoOpRecord) = 20, known 0, writes 0;
}

/// Types that only book how nodes of a cluster come and go: UnregisterBroker, FenceBroker,
/// UnfenceBroker, BrokerRegistrationChange, ZkMigration, RegisterController, ClearElr,
/// UnregisterController. Nothing a user stored is in them. All others that are not in the table (ACLs,
/// quotas, credentials, tokens, metadata transactions, whatever comes later) are refused: an engine
/// that ignored them would lose them with its next snapshot, or grant what was forbidden.
const SAFE_TO_SKIP: &[u32] = &[1, 7, 8, 17, 21, 27, 28, 29];

impl MetadataRecord {
    /// Reads one framed record; `None` for a type that is safe to leave out. Corrupt when the bytes
    /// are damaged, Invalid when they are of a newer format than this.
    pub fn decode(bytes: &[u8]) -> Result<Option<MetadataRecord>> {
        let mut r = Reader::new(bytes);
        let frame = r.uvarint()?;
        if frame != FRAME_VERSION {
            return Err(r.error(format_args!("unknown metadata frame version {frame}")));
        }
        let key = r.uvarint()?;
        let version = r.uvarint()?;
        let version = i16::try_from(version)
            .map_err(|_| r.error(format_args!("impossible record version {version}")))?;
        let Some(record) = Self::body(key, version, &mut r)? else {
            return Ok(None);
        };
        r.end()?;
        Ok(Some(record))
    }
}

#[cold]
fn newer(key: u32, version: i16) -> Error {
    Error::new(
        Kind::Invalid,
        format!(
            "metadata record of type {key}, version {version}, is of a newer format than this \
             version of Levada reads: open it with a newer one"
        ),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id() -> impl Strategy<Value = TopicId> {
        any::<[u8; 16]>().prop_map(TopicId)
    }

    fn numbers() -> impl Strategy<Value = Vec<i32>> {
        proptest::collection::vec(any::<i32>(), 0..4)
    }

    fn some<T: std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
        proptest::option::of(of)
    }

    fn ids() -> impl Strategy<Value = Vec<TopicId>> {
        proptest::collection::vec(id(), 0..3)
    }

    fn partition() -> impl Strategy<Value = PartitionRecord> {
        let lists = (numbers(), numbers(), numbers(), numbers(), ids());
        let optional = (any::<i8>(), some(numbers()), some(numbers()));
        let epochs = (any::<i32>(), any::<i32>(), any::<i32>());
        (any::<i32>(), id(), lists, epochs, optional).prop_map(
            |(partition_id, topic_id, lists, epochs, optional)| PartitionRecord {
                partition_id,
                topic_id,
                replicas: lists.0,
                isr: lists.1,
                removing_replicas: lists.2,
                adding_replicas: lists.3,
                leader: epochs.0,
                leader_epoch: epochs.1,
                partition_epoch: epochs.2,
                directories: lists.4,
                leader_recovery_state: optional.0,
                eligible_leader_replicas: optional.1,
                last_known_elr: optional.2,
            },
        )
    }

    fn change() -> impl Strategy<Value = PartitionChangeRecord> {
        let lists = (some(numbers()), some(numbers()), some(numbers()));
        let more = (
            some(numbers()),
            some(numbers()),
            some(numbers()),
            some(ids()),
        );
        let states = (any::<i32>(), any::<i8>());
        (any::<i32>(), id(), lists, more, states).prop_map(
            |(partition_id, topic_id, lists, more, states)| PartitionChangeRecord {
                partition_id,
                topic_id,
                isr: lists.0,
                leader: states.0,
                replicas: lists.1,
                removing_replicas: lists.2,
                adding_replicas: more.0,
                leader_recovery_state: states.1,
                eligible_leader_replicas: more.1,
                last_known_elr: more.2,
                directories: more.3,
            },
        )
    }

    fn broker() -> impl Strategy<Value = RegisterBrokerRecord> {
        let end_point = (".{0,9}", ".{0,9}", any::<u16>(), any::<i16>()).prop_map(
            |(name, host, port, security_protocol)| BrokerEndpoint {
                name,
                host,
                port,
                security_protocol,
            },
        );
        let feature =
            (".{0,9}", any::<i16>(), any::<i16>()).prop_map(|(name, min, max)| BrokerFeature {
                name,
                min_supported_version: min,
                max_supported_version: max,
            });
        let lists = (
            proptest::collection::vec(end_point, 0..3),
            proptest::collection::vec(feature, 0..3),
            ids(),
        );
        let flags = (any::<bool>(), any::<bool>(), any::<bool>());
        (
            any::<i32>(),
            any::<i64>(),
            id(),
            lists,
            some(".{0,9}"),
            flags,
        )
            .prop_map(
                |(broker_id, broker_epoch, incarnation_id, lists, rack, flags)| {
                    RegisterBrokerRecord {
                        broker_id,
                        is_migrating_zk_broker: flags.0,
                        incarnation_id,
                        broker_epoch,
                        end_points: lists.0,
                        features: lists.1,
                        rack,
                        fenced: flags.1,
                        in_controlled_shutdown: flags.2,
                        log_dirs: lists.2,
                        cordoned_log_dirs: None,
                    }
                },
            )
    }

    fn small() -> impl Strategy<Value = MetadataRecord> {
        prop_oneof![
            (".{0,20}", id()).prop_map(|(name, topic_id)| TopicRecord { name, topic_id }.into()),
            (any::<i8>(), ".{0,20}", ".{0,20}", some(".{0,20}")).prop_map(
                |(resource_type, resource_name, name, value)| ConfigRecord {
                    resource_type,
                    resource_name,
                    name,
                    value
                }
                .into()
            ),
            id().prop_map(|topic_id| RemoveTopicRecord { topic_id }.into()),
            (".{0,20}", any::<i16>()).prop_map(|(name, feature_level)| FeatureLevelRecord {
                name,
                feature_level
            }
            .into()),
            (any::<i32>(), any::<i64>(), any::<i64>()).prop_map(
                |(broker_id, broker_epoch, next_producer_id)| ProducerIdsRecord {
                    broker_id,
                    broker_epoch,
                    next_producer_id
                }
                .into()
            ),
            Just(NoOpRecord {}.into()),
        ]
    }

    fn record() -> impl Strategy<Value = MetadataRecord> {
        prop_oneof![
            3 => small(),
            1 => partition().prop_map(Into::into),
            1 => change().prop_map(Into::into),
            1 => broker().prop_map(Into::into),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(record in record()) {
            let bytes = record.encode();
            prop_assert_eq!(MetadataRecord::decode(&bytes).unwrap(), Some(record));
        }

        #[test]
        fn a_record_cut_short_is_corrupt(record in record(), cut in any::<prop::sample::Index>()) {
            let bytes = record.encode();
            let e = MetadataRecord::decode(&bytes[..cut.index(bytes.len())]).unwrap_err();
            prop_assert_eq!(e.kind(), Kind::Corrupt);
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..80),
            key in 0u8..30,
        ) {
            let _ = MetadataRecord::decode(&bytes);
            bytes.splice(0..0, [1, key, 0]);
            let _ = MetadataRecord::decode(&bytes);
        }
    }

    #[test]
    fn what_an_older_version_lacks_gets_its_default() {
        let TopicId(topic) = TopicId::random();
        let mut w = Writer::new();
        for byte in [1, 3, 0] {
            w.uvarint(byte);
        }
        w.i32(7);
        w.uuid(&topic);
        for list in [&[1, 2][..], &[1], &[], &[]] {
            w.compact_array_len(list.len());
            list.iter().for_each(|n| w.i32(*n));
        }
        for number in [1, 4, 5] {
            w.i32(number);
        }
        w.no_tagged();
        let read = MetadataRecord::decode(&w.bytes).unwrap();
        let Some(MetadataRecord::Partition(partition)) = read else {
            panic!("{read:?}");
        };
        assert!(partition.directories.is_empty());
        assert_eq!(
            (partition.replicas, partition.leader_epoch),
            (vec![1, 2], 4)
        );
    }

    #[test]
    fn newer_formats_are_refused_by_name_and_node_keeping_is_passed_over() {
        for bytes in [
            &[1, 2, 1][..],
            &[1, 3, 3],
            &[1, 18, 0],
            &[1, 23, 0],
            &[1, 99, 0],
        ] {
            let e = MetadataRecord::decode(bytes).unwrap_err();
            assert_eq!(e.kind(), Kind::Invalid);
            assert!(e.message().contains("newer"), "{e}");
        }
        for key in SAFE_TO_SKIP {
            assert_eq!(
                MetadataRecord::decode(&[1, *key as u8, 0, 1, 2]).unwrap(),
                None
            );
        }
        let frame = MetadataRecord::decode(&[2, 20, 0, 0]).unwrap_err();
        assert_eq!(frame.kind(), Kind::Corrupt);
        let left_over = MetadataRecord::decode(&[1, 20, 0, 0, 9]).unwrap_err();
        assert!(left_over.message().contains("left over"), "{left_over}");
    }
}
