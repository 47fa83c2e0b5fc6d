//! What can be set on a consumer, under Kafka's names and with the defaults of Kafka's client 4.4.

use super::key::{Effect, Key, Scope, Type, Unit, Valid};

const fn consumer(name: &'static str) -> Key {
    Key::of(Scope::Consumer, name, Effect::Creation)
}

pub(super) const KEYS: &[Key] = &[
    consumer("allow.auto.create.topics")
        .boolean("true")
        .no_effect()
        .doc("A consumer in process makes no topics."),
    consumer("auto.commit.interval.ms")
        .int("5000")
        .at_least(0)
        .ms()
        .doc("How often `enable.auto.commit` commits."),
    consumer("auto.offset.reset")
        .text("latest")
        .valid(Valid::OffsetReset)
        .doc("Where to start without a committed offset, or when it is out of range: `earliest`, `latest`, `by_duration:PT1H` (that long ago), or `none`, which is an error."),
    consumer("check.crcs")
        .boolean("true")
        .doc("Always `true`: what was not written in this life of the directory is compared with its checksum when it is first read. `false` is refused."),
    consumer("client.id")
        .text("")
        .doc("A name for logs, metrics and the list of a group's members."),
    consumer("default.api.timeout.ms")
        .int("60000")
        .at_least(0)
        .ms()
        .doc("How long a commit waits to be durable, at most; other calls have a timeout of their own or do not wait."),
    consumer("enable.auto.commit")
        .boolean("true")
        .doc("Commits what was handed out, at intervals and on close. Only with a group."),
    consumer("fetch.max.bytes")
        .int("52428800")
        .at_least(0)
        .bytes()
        .doc("The most that one poll reads; the first batch always fits."),
    consumer("fetch.max.wait.ms")
        .int("500")
        .at_least(0)
        .ms()
        .doc("How long a poll waits for `fetch.min.bytes` when there is less."),
    consumer("fetch.min.bytes")
        .int("1")
        .at_least(0)
        .bytes()
        .doc("A poll gives records once there is this much of them, as stored, or `fetch.max.wait.ms` are over."),
    consumer("group.id")
        .unset(Type::Text)
        .doc("The group among whose members partitions are shared and whose offsets are committed."),
    consumer("group.instance.id")
        .unset(Type::Text)
        .valid(Valid::NotEmpty)
        .doc("A lasting name of this member: when it comes back within the session timeout, it gets its partitions back without a rebalance."),
    consumer("group.remote.assignor")
        .unset(Type::Text)
        .one_of(&["uniform", "range"])
        .doc("How the group shares partitions; unset, the first of `group.consumer.assignors`."),
    consumer("isolation.level")
        .text("read_uncommitted")
        .one_of(&["read_committed", "read_uncommitted"])
        .doc("Whether records of transactions that are open or aborted are seen."),
    consumer("max.partition.fetch.bytes")
        .int("1048576")
        .at_least(0)
        .bytes()
        .doc("The most that one read takes of one partition; the first batch always fits."),
    consumer("max.poll.interval.ms")
        .int("300000")
        .at_least(1)
        .ms()
        .doc("A consumer that does not poll for that long loses its partitions to the rest of the group."),
    consumer("max.poll.records")
        .int("500")
        .at_least(1)
        .unit(Unit::Records)
        .doc("The most records that one poll hands out."),
    // Kafka's, decided elsewhere.
    consumer("group.protocol")
        .text("consumer")
        .one_of(&["consumer"])
        .no_effect()
        .doc("Groups in process use the protocol of KIP-848 only."),
    consumer("heartbeat.interval.ms")
        .int("3000")
        .ms()
        .no_effect()
        .doc("`group.consumer.heartbeat.interval.ms` of the engine says it."),
    consumer("session.timeout.ms")
        .int("45000")
        .ms()
        .no_effect()
        .doc("`group.consumer.session.timeout.ms` of the engine says it."),
];
