//! What can be set on a producer, under Kafka's names and with the defaults of Kafka's client 4.4.

use super::key::{Effect, Key, Scope, Type, Valid};

const fn producer(name: &'static str) -> Key {
    Key::of(Scope::Producer, name, Effect::Creation)
}

pub(super) const KEYS: &[Key] = &[
    producer("acks")
        .text("all")
        .one_of(&["all", "-1", "0", "1"])
        .doc("When a send is done: `all` (or -1), when the record is written as `levada.durability` says; `1`, when it is appended; `0`, when it is handed over."),
    producer("batch.size")
        .int("16384")
        .at_least(0)
        .bytes()
        .doc("A batch that reaches this size is sent; 0 sends each record alone. A larger record makes a batch of its own."),
    producer("buffer.memory")
        .long("33554432")
        .at_least(0)
        .bytes()
        .doc("Memory for records that wait to be written. When it is full, sending waits up to `max.block.ms`."),
    producer("client.id")
        .text("")
        .doc("A name for logs and metrics."),
    producer("compression.type")
        .text("none")
        .one_of(&["none", "gzip", "snappy", "lz4", "zstd"])
        .doc("The codec for batches."),
    producer("compression.gzip.level")
        .int("-1")
        .valid(Valid::BetweenOr(1, 9, -1))
        .doc("Effort of gzip; -1 leaves it to the codec."),
    producer("compression.lz4.level")
        .int("9")
        .valid(Valid::Between(1, 17))
        .doc("Effort of lz4."),
    producer("compression.zstd.level")
        .int("3")
        .valid(Valid::Between(-131_072, 22))
        .doc("Effort of zstd."),
    producer("delivery.timeout.ms")
        .int("120000")
        .at_least(0)
        .ms()
        .doc("A record that is not delivered within that long, from the beginning of its batch on, fails; it may still be written."),
    producer("enable.idempotence")
        .boolean("true")
        .doc("Each record is written once and in order, also when a write had to be repeated. Needs `acks=all`."),
    producer("linger.ms")
        .long("5")
        .at_least(0)
        .ms()
        .doc("How long a batch that is not full waits for more records."),
    producer("max.block.ms")
        .long("60000")
        .at_least(0)
        .ms()
        .doc("How long sending waits for `buffer.memory`."),
    producer("max.request.size")
        .int("1048576")
        .at_least(0)
        .bytes()
        .doc("The largest record, before compression, that sending accepts."),
    producer("partitioner.ignore.keys")
        .boolean("false")
        .doc("Spreads records with a key as those without one."),
    producer("transaction.timeout.ms")
        .int("60000")
        .at_least(1)
        .ms()
        .doc("A transaction that is open for longer is aborted."),
    producer("transactional.id")
        .unset(Type::Text)
        .valid(Valid::NotEmpty)
        .doc("The lasting name of a transactional producer; a newer one of the same name fences this one."),
    // Kafka's, about a connection that does not exist in process.
    producer("max.in.flight.requests.per.connection")
        .int("5")
        .at_least(1)
        .no_effect()
        .doc("There are no requests in process."),
    producer("request.timeout.ms")
        .int("30000")
        .at_least(0)
        .ms()
        .no_effect()
        .doc("There are no requests in process; see `delivery.timeout.ms`."),
    producer("retries")
        .int("2147483647")
        .valid(Valid::Between(0, 2_147_483_647))
        .no_effect()
        .doc("`delivery.timeout.ms` alone ends retrying."),
    producer("retry.backoff.ms")
        .long("100")
        .at_least(0)
        .ms()
        .no_effect()
        .doc("There is no connection to spare."),
];
