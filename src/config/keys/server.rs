//! What can be set on the server: listeners, limits of connections and requests. Part of the broker's
//! settings, as in Kafka.

use super::key::{Effect, Key, Scope, Type, Unit};

const fn server(name: &'static str) -> Key {
    Key::of(Scope::Broker, name, Effect::Restart)
}

pub(super) const KEYS: &[Key] = &[
    server("advertised.listeners")
        .list("")
        .doc("Where clients are told to connect, `NAME://host:port` for each listener that is reached under another address than the one it listens on. Without it the address of `listeners`; a listener on all addresses is advertised under the host's name."),
    server("connections.max.idle.ms")
        .long("600000")
        .ms()
        .doc("A connection on which nothing came for that long is closed; a negative value is no limit."),
    server("levada.admin.listener")
        .text("")
        .doc("Where `/healthz`, `/readyz` and `/metrics` are served over HTTP, `host:port`. Without it they are not."),
    server("levada.connection.inflight.max")
        .int("64")
        .at_least(1)
        .unit(Unit::None)
        .doc("How many Produce requests of one connection may wait for the disk at the same time. When that many wait, nothing more is read from the connection."),
    server("listeners")
        .list("PLAINTEXT://127.0.0.1:9092")
        .doc("Where the broker listens, `NAME://host:port` each; port 0 takes a free one. An empty host is every address."),
    server("max.connections")
        .int("2147483647")
        .at_least(0)
        .doc("The most connections at one time; one more is closed at once."),
    server("max.connections.per.ip")
        .int("2147483647")
        .at_least(0)
        .doc("The most connections at one time from one address."),
    server("max.incremental.fetch.session.cache.slots")
        .int("1000")
        .at_least(0)
        .doc("The most incremental fetch sessions (KIP-227). Further clients fetch without one."),
    server("num.network.threads")
        .unset(Type::Int)
        .at_least(1)
        .doc("Threads that serve connections. Unset: one for each core, two at least."),
    server("queued.max.request.bytes")
        .long("536870912")
        .at_least(1_048_576)
        .bytes()
        .doc("Memory for requests of more than 64 KiB that have not arrived as a whole, all connections together. Who does not find room is not read from; one who holds room and sends nothing is closed."),
    server("socket.request.max.bytes")
        .int("104857600")
        .at_least(1)
        .bytes()
        .doc("The largest request. A connection that announces a larger one is closed."),
];
