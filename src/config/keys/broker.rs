//! What can be set on an engine: the defaults of topics (Kafka's `log.*` names), groups, offsets and
//! background jobs. Kafka's listeners, security and replication settings come with those parts.

use super::key::{Effect, Key, Scope, Type, Unit, Valid};
use super::topic::{CODECS, POLICIES, TIMESTAMPS};

const fn broker(name: &'static str) -> Key {
    Key::of(Scope::Broker, name, Effect::Dynamic)
}

/// Gives a topic setting its default.
const fn default_of(name: &'static str, topic_setting: &'static str) -> Key {
    broker(name).doc(topic_setting)
}

pub(super) const KEYS: &[Key] = &[
    broker("auto.create.topics.enable")
        .boolean("true")
        .doc("A client that asks for a topic that is not there gets it made, with `num.partitions`. The engine in process makes topics only when told to."),
    default_of("compression.type", "Default of `compression.type`.")
        .text("producer")
        .one_of(CODECS),
    default_of("compression.gzip.level", "Default of `compression.gzip.level`.")
        .int("-1")
        .valid(Valid::BetweenOr(1, 9, -1)),
    default_of("compression.lz4.level", "Default of `compression.lz4.level`.")
        .int("9")
        .valid(Valid::Between(1, 17)),
    default_of("compression.zstd.level", "Default of `compression.zstd.level`.")
        .int("3")
        .valid(Valid::Between(-131_072, 22)),
    broker("default.replication.factor")
        .int("1")
        .no_effect()
        .doc("Kept; one node has one replica of everything."),
    broker("delete.topic.enable")
        .boolean("true")
        .doc("Whether topics may be deleted."),
    broker("fetch.max.bytes")
        .int("57671680")
        .at_least(1024)
        .bytes()
        .restart()
        .doc("The largest answer to one fetch; the first batch always fits."),
    broker("group.consumer.assignors")
        .list("uniform,range")
        .one_of(&["uniform", "range"])
        .restart()
        .doc("How partitions are shared in a consumer group, the default first."),
    broker("group.consumer.heartbeat.interval.ms")
        .int("5000")
        .at_least(1)
        .ms()
        .restart()
        .doc("How often a member of a consumer group says that it lives."),
    broker("group.consumer.max.size")
        .int("2147483647")
        .at_least(1)
        .restart()
        .doc("The most members of one consumer group."),
    broker("group.consumer.migration.policy")
        .text("bidirectional")
        .one_of(&["bidirectional", "upgrade", "downgrade", "disabled"])
        .restart()
        .doc("Whether a group that has members may change its protocol: from classic to consumer (`upgrade`) when the first member of the newer protocol comes, back (`downgrade`) when the last one goes."),
    broker("group.consumer.session.timeout.ms")
        .int("45000")
        .at_least(1)
        .ms()
        .restart()
        .doc("A member of a consumer group that was silent for that long has left."),
    broker("group.initial.rebalance.delay.ms")
        .int("3000")
        .ms()
        .restart()
        .doc("Classic groups: how long the first rebalance waits for more members."),
    broker("group.max.session.timeout.ms")
        .int("1800000")
        .ms()
        .restart()
        .doc("Classic groups: the longest session timeout that a member may ask for."),
    broker("group.max.size")
        .int("2147483647")
        .at_least(1)
        .restart()
        .doc("Classic groups: the most members."),
    broker("group.min.session.timeout.ms")
        .int("6000")
        .ms()
        .restart()
        .doc("Classic groups: the shortest session timeout that a member may ask for."),
    default_of("levada.archive.after.bytes", "Default of `levada.archive.after.bytes`.")
        .long("-1")
        .at_least(-1)
        .bytes(),
    default_of("levada.archive.after.ms", "Default of `levada.archive.after.ms`.")
        .long("-1")
        .at_least(-1)
        .ms(),
    default_of("levada.archive.file.bytes", "Default of `levada.archive.file.bytes`.")
        .long("268435456")
        .at_least(1)
        .bytes(),
    default_of("levada.durability", "Default of `levada.durability`.")
        .text("disk")
        .one_of(&["disk", "cache"]),
    broker("log.cleaner.backoff.ms")
        .long("15000")
        .at_least(0)
        .ms()
        .doc("How long compaction rests when it found nothing to do."),
    broker("log.cleaner.dedupe.buffer.size")
        .long("134217728")
        .at_least(1024)
        .bytes()
        .doc("Memory for the keys of one compaction run. A log with more keys takes several runs."),
    default_of("log.cleaner.delete.retention.ms", "Default of `delete.retention.ms`.")
        .long("86400000")
        .at_least(0)
        .ms(),
    broker("log.cleaner.enable")
        .boolean("true")
        .restart()
        .doc("Whether compaction runs."),
    broker("log.cleaner.io.max.bytes.per.second")
        .double("1.7976931348623157E308")
        .unit(Unit::BytesPerSecond)
        .no_effect()
        .doc("Compaction is not throttled."),
    default_of("log.cleaner.max.compaction.lag.ms", "Default of `max.compaction.lag.ms`.")
        .long("9223372036854775807")
        .at_least(1)
        .ms(),
    default_of("log.cleaner.min.cleanable.ratio", "Default of `min.cleanable.dirty.ratio`.")
        .double("0.5")
        .valid(Valid::Ratio),
    default_of("log.cleaner.min.compaction.lag.ms", "Default of `min.compaction.lag.ms`.")
        .long("0")
        .at_least(0)
        .ms(),
    broker("log.cleaner.threads")
        .int("1")
        .at_least(0)
        .no_effect()
        .doc("Compaction shares the engine's background threads."),
    default_of("log.cleanup.policy", "Default of `cleanup.policy`.")
        .list("delete")
        .one_of(POLICIES),
    default_of("log.flush.interval.messages", "Default of `flush.messages`.")
        .long("9223372036854775807")
        .at_least(1)
        .unit(Unit::Records),
    default_of("log.flush.interval.ms", "Default of `flush.ms`; unset, `log.flush.scheduler.interval.ms` counts.")
        .unset(Type::Long)
        .ms(),
    broker("log.flush.offset.checkpoint.interval.ms")
        .int("60000")
        .at_least(0)
        .ms()
        .restart()
        .doc("How often it is written down up to where the logs are synced. Recovery after a crash starts there."),
    default_of("log.flush.scheduler.interval.ms", "Default of `flush.ms` where `log.flush.interval.ms` is unset.")
        .long("9223372036854775807")
        .ms(),
    broker("log.flush.start.offset.checkpoint.interval.ms")
        .int("60000")
        .at_least(0)
        .ms()
        .restart()
        .doc("How often the first offsets of the logs are written down."),
    default_of("log.index.interval.bytes", "Default of `index.interval.bytes`.")
        .int("4096")
        .at_least(0)
        .bytes(),
    default_of("log.index.size.max.bytes", "Default of `segment.index.bytes`.")
        .int("10485760")
        .at_least(4)
        .bytes(),
    default_of("log.local.retention.bytes", "Default of `local.retention.bytes`.")
        .long("-2")
        .at_least(-2)
        .bytes()
        .no_effect(),
    default_of("log.local.retention.ms", "Default of `local.retention.ms`.")
        .long("-2")
        .at_least(-2)
        .ms()
        .no_effect(),
    default_of("log.message.timestamp.after.max.ms", "Default of `message.timestamp.after.max.ms`.")
        .long("3600000")
        .at_least(0)
        .ms(),
    default_of("log.message.timestamp.before.max.ms", "Default of `message.timestamp.before.max.ms`.")
        .long("9223372036854775807")
        .at_least(0)
        .ms(),
    default_of("log.message.timestamp.type", "Default of `message.timestamp.type`.")
        .text("CreateTime")
        .one_of(TIMESTAMPS),
    default_of("log.preallocate", "Default of `preallocate`.")
        .boolean("false")
        .no_effect(),
    default_of("log.remote.copy.lag.bytes", "Default of `remote.copy.lag.bytes`.")
        .long("-1")
        .at_least(-1)
        .bytes()
        .no_effect(),
    default_of("log.remote.copy.lag.ms", "Default of `remote.copy.lag.ms`.")
        .long("0")
        .at_least(-1)
        .ms()
        .no_effect(),
    default_of("log.retention.bytes", "Default of `retention.bytes`.")
        .long("-1")
        .bytes(),
    broker("log.retention.check.interval.ms")
        .long("300000")
        .at_least(1)
        .ms()
        .restart()
        .doc("How often the background job looks for segments to seal, remove or archive."),
    default_of("log.retention.hours", "Default of `retention.ms`, in hours; the finer ones below go first. Negative: never.")
        .int("168")
        .unit(Unit::Hours),
    default_of("log.retention.minutes", "Default of `retention.ms`, in minutes; goes before the hours.")
        .unset(Type::Int)
        .unit(Unit::Minutes),
    default_of("log.retention.ms", "Default of `retention.ms`; goes before minutes and hours. Negative: never.")
        .unset(Type::Long)
        .ms(),
    default_of("log.roll.hours", "Default of `segment.ms`, in hours.")
        .int("168")
        .at_least(1)
        .unit(Unit::Hours),
    default_of("log.roll.jitter.hours", "Default of `segment.jitter.ms`, in hours.")
        .int("0")
        .at_least(0)
        .unit(Unit::Hours),
    default_of("log.roll.jitter.ms", "Default of `segment.jitter.ms`; goes before the hours.")
        .unset(Type::Long)
        .at_least(0)
        .ms(),
    default_of("log.roll.ms", "Default of `segment.ms`; goes before the hours.")
        .unset(Type::Long)
        .at_least(1)
        .ms(),
    default_of("log.segment.bytes", "Default of `segment.bytes`.")
        .int("1073741824")
        .at_least(1_048_576)
        .bytes(),
    default_of("log.segment.delete.delay.ms", "Default of `file.delete.delay.ms`.")
        .long("60000")
        .at_least(0)
        .ms(),
    default_of("max.decompressed.message.bytes", "Default of `max.decompressed.message.bytes`.")
        .int("2147483639")
        .valid(Valid::Between(1, 2_147_483_639))
        .bytes(),
    default_of("message.max.bytes", "Default of `max.message.bytes`.")
        .int("1048588")
        .at_least(0)
        .bytes(),
    broker("metadata.log.max.record.bytes.between.snapshots")
        .long("20971520")
        .at_least(1)
        .bytes()
        .restart()
        .doc("A snapshot of the metadata is taken after that many bytes of metadata events."),
    broker("metadata.log.max.snapshot.interval.ms")
        .long("3600000")
        .at_least(0)
        .ms()
        .restart()
        .doc("A snapshot of the metadata is taken after that long when there are new events; 0: not by time."),
    broker("metadata.max.retention.bytes")
        .long("104857600")
        .bytes()
        .restart()
        .doc("Old metadata segments and snapshots are removed while the metadata log is larger."),
    broker("metadata.max.retention.ms")
        .long("604800000")
        .ms()
        .restart()
        .doc("Metadata segments and snapshots older than that are removed once a newer snapshot holds what they say."),
    default_of("min.insync.replicas", "Default of `min.insync.replicas`.")
        .int("1")
        .at_least(1)
        .no_effect(),
    broker("num.partitions")
        .int("1")
        .at_least(1)
        .doc("Partitions of a topic that is made without saying how many."),
    broker("num.recovery.threads.per.data.dir")
        .int("2")
        .at_least(1)
        .doc("Threads that open and recover partitions."),
    broker("offset.metadata.max.bytes")
        .int("4096")
        .at_least(0)
        .bytes()
        .restart()
        .doc("The longest text that may be stored with a committed offset."),
    broker("offsets.retention.check.interval.ms")
        .long("600000")
        .at_least(1)
        .ms()
        .restart()
        .doc("How often expired committed offsets are looked for."),
    broker("offsets.retention.minutes")
        .int("10080")
        .at_least(1)
        .unit(Unit::Minutes)
        .restart()
        .doc("Committed offsets of a group without members expire after that long."),
    broker("offsets.topic.num.partitions")
        .int("50")
        .at_least(1)
        .restart()
        .doc("Partitions of `__consumer_offsets`. Counts when that topic is made and cannot change after."),
    broker("offsets.topic.replication.factor")
        .int("3")
        .at_least(1)
        .no_effect()
        .doc("Kept; one node has one replica of everything."),
    broker("offsets.topic.segment.bytes")
        .int("104857600")
        .at_least(1)
        .bytes()
        .restart()
        .doc("Segment size of `__consumer_offsets`: small, so that compaction keeps it short."),
    broker("producer.id.expiration.check.interval.ms")
        .int("600000")
        .at_least(1)
        .ms()
        .restart()
        .internal()
        .doc("How often expired producer ids are looked for."),
    broker("producer.id.expiration.ms")
        .int("86400000")
        .at_least(1)
        .ms()
        .doc("What is known of an idempotent producer is forgotten when it was silent for that long."),
    broker("transaction.abort.timed.out.transaction.cleanup.interval.ms")
        .int("10000")
        .at_least(1)
        .ms()
        .restart()
        .doc("The longest time between two looks at open transactions; one that is due is aborted at once."),
    broker("transaction.max.timeout.ms")
        .int("900000")
        .at_least(1)
        .ms()
        .restart()
        .doc("The longest `transaction.timeout.ms` that a producer may ask for."),
    broker("transaction.remove.expired.transaction.cleanup.interval.ms")
        .int("3600000")
        .at_least(1)
        .ms()
        .restart()
        .doc("How often expired transactional ids are looked for."),
    broker("transaction.state.log.load.buffer.size")
        .int("5242880")
        .at_least(1)
        .bytes()
        .no_effect()
        .doc("Kept; loading reads in steps of its own size."),
    broker("transaction.state.log.min.isr")
        .int("2")
        .at_least(1)
        .no_effect()
        .doc("Kept; one node has one replica of everything."),
    broker("transaction.state.log.num.partitions")
        .int("50")
        .at_least(1)
        .restart()
        .doc("Partitions of `__transaction_state`. Counts when that topic is made and cannot change after."),
    broker("transaction.state.log.replication.factor")
        .int("3")
        .at_least(1)
        .no_effect()
        .doc("Kept; one node has one replica of everything."),
    broker("transaction.state.log.segment.bytes")
        .int("104857600")
        .at_least(1)
        .bytes()
        .restart()
        .doc("Segment size of `__transaction_state`: small, so that compaction keeps it short."),
    broker("transactional.id.expiration.ms")
        .int("604800000")
        .at_least(1)
        .ms()
        .restart()
        .doc("A transactional id without an open transaction is forgotten when it was not used for that long."),
    default_of("unclean.leader.election.enable", "Default of `unclean.leader.election.enable`.")
        .boolean("false")
        .no_effect(),
];
