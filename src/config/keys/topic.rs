//! What can be set on a topic. Names, defaults and ranges are Kafka 4.4's (`LogConfig`), except for
//! those that start with `levada.`.

use super::key::{Effect, Key, Scope, Synonym, Type, Unit, Valid};

const fn topic(name: &'static str) -> Key {
    Key::of(Scope::Topic, name, Effect::Dynamic)
}

const fn same(name: &'static str) -> Synonym {
    Synonym { name, factor: 1 }
}

const fn times(factor: i64, name: &'static str) -> Synonym {
    Synonym { name, factor }
}

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

/// The values of `compression.type` on topic and broker.
pub(super) const CODECS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
pub(super) const POLICIES: &[&str] = &["compact", "delete"];
pub(super) const TIMESTAMPS: &[&str] = &["CreateTime", "LogAppendTime"];

pub(super) const KEYS: &[Key] = &[
    topic("cleanup.policy")
        .list("delete")
        .one_of(POLICIES)
        .synonyms(&[same("log.cleanup.policy")])
        .doc("What happens to old records: `delete` removes segments by age and size, `compact` keeps the last value of each key; both may be given. Empty: nothing is ever removed."),
    topic("compression.type")
        .text("producer")
        .one_of(CODECS)
        .synonyms(&[same("compression.type")])
        .doc("The codec in which batches are stored. `producer` keeps what was sent; anything else compresses again those that came otherwise."),
    topic("compression.gzip.level")
        .int("-1")
        .valid(Valid::BetweenOr(1, 9, -1))
        .synonyms(&[same("compression.gzip.level")])
        .doc("Effort of gzip where `compression.type` is `gzip`; -1 leaves it to the codec."),
    topic("compression.lz4.level")
        .int("9")
        .valid(Valid::Between(1, 17))
        .synonyms(&[same("compression.lz4.level")])
        .doc("Effort of lz4 where `compression.type` is `lz4`."),
    topic("compression.zstd.level")
        .int("3")
        .valid(Valid::Between(-131_072, 22))
        .synonyms(&[same("compression.zstd.level")])
        .doc("Effort of zstd where `compression.type` is `zstd`."),
    topic("delete.retention.ms")
        .long("86400000")
        .at_least(0)
        .ms()
        .synonyms(&[same("log.cleaner.delete.retention.ms")])
        .doc("How long compaction keeps a tombstone (a key with a null value), so that slow readers still learn of the deletion."),
    topic("file.delete.delay.ms")
        .long("60000")
        .at_least(0)
        .ms()
        .synonyms(&[same("log.segment.delete.delay.ms")])
        .doc("How long the files of a removed segment stay on the disk for readers that are still at them."),
    topic("flush.messages")
        .long("9223372036854775807")
        .at_least(1)
        .unit(Unit::Records)
        .synonyms(&[same("log.flush.interval.messages")])
        .doc("Sync after that many records. With `levada.durability=disk` every acknowledged record is synced anyway."),
    topic("flush.ms")
        .long("9223372036854775807")
        .at_least(0)
        .ms()
        .synonyms(&[same("log.flush.interval.ms"), same("log.flush.scheduler.interval.ms")])
        .doc("Sync what is not yet synced after that long. With `levada.durability=disk` every acknowledged record is synced anyway."),
    topic("index.interval.bytes")
        .int("4096")
        .at_least(0)
        .bytes()
        .synonyms(&[same("log.index.interval.bytes")])
        .doc("One index entry for that much log: smaller finds faster and indexes larger."),
    topic("levada.archive.after.bytes")
        .long("-1")
        .at_least(-1)
        .bytes()
        .synonyms(&[same("levada.archive.after.bytes")])
        .doc("Sealed segments move to the archive, oldest first, while a partition has more than this on the local disk. -1: size moves nothing."),
    topic("levada.archive.after.ms")
        .long("-1")
        .at_least(-1)
        .ms()
        .synonyms(&[same("levada.archive.after.ms")])
        .doc("A sealed segment moves to the archive when its newest record is that old. -1: age moves nothing."),
    topic("levada.archive.file.bytes")
        .long("268435456")
        .at_least(1)
        .bytes()
        .synonyms(&[same("levada.archive.file.bytes")])
        .doc("The size that archive files aim at. A file holds whole segments, at least one."),
    topic("levada.durability")
        .text("disk")
        .one_of(&["disk", "cache"])
        .synonyms(&[same("levada.durability")])
        .doc("When a record counts as written: `disk`, when it is synced, so that nothing a consumer saw can be lost; `cache`, when it is in the page cache, which is faster and loses the last records with the power."),
    topic("max.compaction.lag.ms")
        .long("9223372036854775807")
        .at_least(1)
        .ms()
        .synonyms(&[same("log.cleaner.max.compaction.lag.ms")])
        .doc("A record is compacted at the latest after that long, however little there is to gain."),
    topic("max.decompressed.message.bytes")
        .int("2147483639")
        .valid(Valid::Between(1, 2_147_483_639))
        .bytes()
        .synonyms(&[same("max.decompressed.message.bytes")])
        .doc("The largest size to which a compressed batch may unfold; larger ones are refused. So are those of more than 64 MiB that are over 64 times `max.message.bytes`."),
    topic("max.message.bytes")
        .int("1048588")
        .at_least(0)
        .bytes()
        .synonyms(&[same("message.max.bytes")])
        .doc("The largest batch, as it is sent (after compression)."),
    topic("message.timestamp.after.max.ms")
        .long("3600000")
        .at_least(0)
        .ms()
        .synonyms(&[same("log.message.timestamp.after.max.ms")])
        .doc("How far in the future a record's timestamp may lie. Not asked with `LogAppendTime`."),
    topic("message.timestamp.before.max.ms")
        .long("9223372036854775807")
        .at_least(0)
        .ms()
        .synonyms(&[same("log.message.timestamp.before.max.ms")])
        .doc("How far in the past a record's timestamp may lie. Not asked with `LogAppendTime`."),
    topic("message.timestamp.type")
        .text("CreateTime")
        .one_of(TIMESTAMPS)
        .synonyms(&[same("log.message.timestamp.type")])
        .doc("Whose clock stamps records: the producer's (`CreateTime`) or ours on arrival (`LogAppendTime`)."),
    topic("min.cleanable.dirty.ratio")
        .double("0.5")
        .valid(Valid::Ratio)
        .synonyms(&[same("log.cleaner.min.cleanable.ratio")])
        .doc("Compaction runs when at least this part of the log has not been compacted yet."),
    topic("min.compaction.lag.ms")
        .long("0")
        .at_least(0)
        .ms()
        .synonyms(&[same("log.cleaner.min.compaction.lag.ms")])
        .doc("A record stays uncompacted at least that long. Not above `max.compaction.lag.ms`."),
    topic("retention.bytes")
        .long("-1")
        .bytes()
        .synonyms(&[same("log.retention.bytes")])
        .doc("Oldest segments are removed while a partition (archive included) is larger. Negative: no limit."),
    topic("retention.ms")
        .long("604800000")
        .at_least(-1)
        .ms()
        .synonyms(&[
            same("log.retention.ms"),
            times(MINUTE_MS, "log.retention.minutes"),
            times(HOUR_MS, "log.retention.hours"),
        ])
        .doc("A segment (archived ones included) is removed when its newest record is that old. -1: never."),
    topic("segment.bytes")
        .int("1073741824")
        .at_least(1_048_576)
        .bytes()
        .synonyms(&[same("log.segment.bytes")])
        .doc("A segment that would grow larger is sealed and a new one begun."),
    topic("segment.index.bytes")
        .int("10485760")
        .at_least(4)
        .bytes()
        .synonyms(&[same("log.index.size.max.bytes")])
        .doc("The largest index of a segment; a full one seals its segment."),
    topic("segment.jitter.ms")
        .long("0")
        .at_least(0)
        .ms()
        .synonyms(&[same("log.roll.jitter.ms"), times(HOUR_MS, "log.roll.jitter.hours")])
        .doc("Up to that much, drawn at random, is taken off `segment.ms`, so that not all partitions seal at one moment."),
    topic("segment.ms")
        .long("604800000")
        .at_least(1)
        .ms()
        .synonyms(&[same("log.roll.ms"), times(HOUR_MS, "log.roll.hours")])
        .doc("A segment that old is sealed even when it is not full, so that retention, compaction and the archive can have it."),
    topic("internal.segment.bytes")
        .unset(Type::Int)
        .at_least(1)
        .bytes()
        .internal()
        .doc("Takes the place of `segment.bytes` without its lower limit. For tests."),
    // Kafka's own, without meaning on one node and without its tiered storage.
    topic("errors.deadletterqueue.group.enable")
        .boolean("false")
        .no_effect()
        .doc("Whether the topic may be a dead-letter queue of share groups, which do not exist yet."),
    topic("follower.replication.throttled.replicas")
        .list("")
        .valid(Valid::ThrottledReplicas)
        .no_effect()
        .doc("There are no followers to throttle."),
    topic("leader.replication.throttled.replicas")
        .list("")
        .valid(Valid::ThrottledReplicas)
        .no_effect()
        .doc("There are no followers to throttle."),
    topic("local.retention.bytes")
        .long("-2")
        .at_least(-2)
        .bytes()
        .synonyms(&[same("log.local.retention.bytes")])
        .no_effect()
        .doc("Of Kafka's tiered storage; `levada.archive.after.bytes` says what stays local."),
    topic("local.retention.ms")
        .long("-2")
        .at_least(-2)
        .ms()
        .synonyms(&[same("log.local.retention.ms")])
        .no_effect()
        .doc("Of Kafka's tiered storage; `levada.archive.after.ms` says what stays local."),
    topic("min.insync.replicas")
        .int("1")
        .at_least(1)
        .synonyms(&[same("min.insync.replicas")])
        .no_effect()
        .doc("There is one replica, and it is in sync."),
    topic("preallocate")
        .boolean("false")
        .synonyms(&[same("log.preallocate")])
        .no_effect()
        .doc("Segment files grow as they are written."),
    topic("remote.copy.lag.bytes")
        .long("-1")
        .at_least(-1)
        .bytes()
        .synonyms(&[same("log.remote.copy.lag.bytes")])
        .no_effect()
        .doc("Of Kafka's tiered storage; see `levada.archive.after.bytes`."),
    topic("remote.copy.lag.ms")
        .long("0")
        .at_least(-1)
        .ms()
        .synonyms(&[same("log.remote.copy.lag.ms")])
        .no_effect()
        .doc("Of Kafka's tiered storage; see `levada.archive.after.ms`."),
    topic("remote.log.copy.disable")
        .boolean("false")
        .no_effect()
        .doc("Of Kafka's tiered storage; see `levada.archive.after.ms`."),
    topic("remote.log.delete.on.disable")
        .boolean("false")
        .no_effect()
        .doc("Of Kafka's tiered storage; see `levada.archive.after.ms`."),
    topic("remote.storage.enable")
        .boolean("false")
        .no_effect()
        .doc("Of Kafka's tiered storage. `true` is refused, as by a Kafka that has none: set `levada.archive.after.ms`."),
    topic("unclean.leader.election.enable")
        .boolean("false")
        .synonyms(&[same("unclean.leader.election.enable")])
        .no_effect()
        .doc("There is one leader."),
];
