"""The broker against an Apache Kafka of the same run.

    python benches/broker.py                    all rows, about 12 minutes
    python benches/broker.py produce-1k read-1k these rows alone
    python benches/broker.py --quick            fewer pairs and messages, to see that all works

The binary is `LEVADA_BINARY`, or the `levada` beside the Python that runs this. Needed are Java, Maven
(which fetches Kafka once) and cargo (which builds the load generator once).

How to read it. Both brokers run beside each other on this machine, each in a new directory, with Kafka's
defaults but segments of 256 MiB; Kafka has the flags of its own scripts and a heap of 1 GiB. Both answer from
the page cache (`levada.durability=cache`, Kafka's default) unless the row says `disk`. Kafka is warmed up before
anything counts. The load is librdkafka's with its defaults (batches of up to 1 MB), one partition, no
compression, `acks=all`; its `linger.ms` is 5 unless said.

A row is a ratio of medians over pairs of turns, ours first, and below it least / median / most of both sides.
What the brokers used is their own CPU time, user and system, of /proc/PID/stat: it counts in steps of 10 ms, and
hardly depends on what else the machine does. Rates and times do: broker and load share the cores, so a rate is
what both can do together, and the ratio of rates is nearer to 1 than the brokers are.

- CPU s/GB: 10^9 bytes of values, as they were sent. Less is better.
- CPU µs: of one message.
- latency: from `send` to `poll` in one process, 1,000 messages a second, `linger.ms=0`.
- partitions: 256 partitions, in turn, against one, `linger.ms=50`; the same of Kafka shows what of it is the client's.
- disk: 8 clients, each waits for the answer to its message before it sends the next.
- group: 2,000 members with a heartbeat a second, one more joins; the time until all have their assignment. All
  must hear of it by a heartbeat, so a second is the least; `answers` is what is the broker's: from the last
  JoinGroup to the last answer to SyncGroup.
- idle: what the memory grows by with 10,000 connections that asked for ApiVersions once.
- start: from the start of the process to the first answer to Metadata, in a new directory.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import load as generator
from harness import Row, show, spread, turns
from load import load
from servers import Server, kafka, levada

Figures = Mapping[str, float]
CACHE = {"levada.durability": "cache"}
NUMBERS = itertools.count()
# Until connections without requests have given back what they can.
IDLE_SECONDS = 12


@dataclass
class Bench:
    """What the rows share."""

    pairs: int
    quick: bool
    stack: ExitStack
    running: dict[str, Server] = field(default_factory=dict)
    filled: dict[tuple[str, int], str] = field(default_factory=dict)

    def count(self, full: int) -> int:
        return full // 8 if self.quick else full

    def both(self) -> tuple[Server, Server]:
        """Ours and Kafka, started by the first row that wants them and warm."""
        if not self.running:
            self.running["ours"] = self.stack.enter_context(levada(CACHE))
            self.running["peer"] = self.stack.enter_context(kafka({}))
            for server in self.running.values():
                self.warm(server)
        return self.running["ours"], self.running["peer"]

    def warm(self, server: Server) -> None:
        for size, count in ((1024, 500_000), (100, 2_000_000)):
            produce(server, size, self.count(count))
        topic = topic_of(server)
        load("produce", server.servers, topic=topic, size=1024, count=self.count(300_000))
        for _ in range(3):
            load("consume", server.servers, topic=topic, count=self.count(300_000))
        load("delete", server.servers, topic=topic)

    def topic(self, server: Server, size: int, count: int) -> str:
        """A topic with that many messages, filled once."""
        if (server.name, size) not in self.filled:
            topic = topic_of(server)
            load("produce", server.servers, topic=topic, size=size, count=count)
            self.filled[server.name, size] = topic
        return self.filled[server.name, size]

    def turns(self, one: Callable[[Server], Figures]) -> list[tuple[Figures, Figures]]:
        ours, peer = self.both()
        return turns(lambda: one(ours), lambda: one(peer), self.pairs)


def topic_of(server: Server, partitions: int = 1) -> str:
    topic = f"bench-{next(NUMBERS)}"
    load("create", server.servers, topic=topic, partitions=partitions)
    return topic


def measured(server: Server, command: str, **options: object) -> Figures:
    """One run of the load, with the broker's CPU time."""
    before = server.cpu_seconds()
    seen = load(command, server.servers, **options)
    cpu = server.cpu_seconds() - before
    return {
        "cpu_gb": cpu / seen["bytes"] * 1e9,
        "cpu_us": cpu / seen["messages"] * 1e6,
        "rate": seen["messages"] / seen["seconds"],
        "rate_mb": seen["bytes"] / seen["seconds"] / 1e6,
    }


def produce(
    server: Server, size: int, count: int, partitions: int = 1, **options: object
) -> Figures:
    topic = topic_of(server, partitions)
    options |= {"topic": topic, "size": size, "partitions": partitions}
    # The first record of a partition makes its files.
    load("produce", server.servers, **options | {"count": 20 * partitions})
    figures = measured(server, "produce", **options | {"count": count})
    load("delete", server.servers, topic=topic)
    return figures


def row(
    name: str,
    unit: str,
    pairs: list[tuple[Figures, Figures]],
    figure: str,
    aim: str,
    peer_name: str = "Kafka",
) -> None:
    ours, peer = [a[figure] for a, _ in pairs], [b[figure] for _, b in pairs]
    show(Row(name, unit, ours, peer_name, peer, aim))


def absolute(name: str, unit: str, ours: list[float], aim: str, peer: list[float]) -> None:
    """A row whose aim is a figure, not a ratio."""
    print(f"{name}: {spread(ours)} {unit} (aim {aim} {unit})")
    if peer:
        print(f"    Kafka {spread(peer)} {unit}")
    sys.stdout.flush()


def produce_1k(bench: Bench) -> None:
    pairs = bench.turns(lambda server: produce(server, 1024, bench.count(500_000)))
    row("produce 1 KiB, broker CPU", "s/GB", pairs, "cpu_gb", "≤ 0.5x")
    row("produce 1 KiB, rate", "MB/s", pairs, "rate_mb", "≥ 1.5x")


def produce_100(bench: Bench) -> None:
    pairs = bench.turns(lambda server: produce(server, 100, bench.count(2_000_000)))
    row("produce 100 B, broker CPU", "µs a message", pairs, "cpu_us", "≤ 0.5x")
    row("produce 100 B, rate", "messages/s", pairs, "rate", "no aim")


def read(bench: Bench, size: int, count: int) -> list[tuple[Figures, Figures]]:
    def one(server: Server) -> Figures:
        topic = bench.topic(server, size, count)
        return measured(server, "consume", topic=topic, count=count)

    return bench.turns(one)


def read_1k(bench: Bench) -> None:
    pairs = read(bench, 1024, bench.count(1_000_000))
    row("read 1 KiB, broker CPU", "s/GB", pairs, "cpu_gb", "≤ 1.0x")
    row("read 1 KiB, rate", "MB/s", pairs, "rate_mb", "≥ 1.0x")


def read_100(bench: Bench) -> None:
    pairs = read(bench, 100, bench.count(5_000_000))
    row("read 100 B, broker CPU", "µs a message", pairs, "cpu_us", "≤ 1.0x")
    row("read 100 B, rate", "messages/s", pairs, "rate", "no aim")


def latency(bench: Bench) -> None:
    topics = {server.name: topic_of(server) for server in bench.both()}
    seconds = 1 if bench.quick else 3

    def one(server: Server) -> Figures:
        options = {"topic": topics[server.name], "rate": 1000, "seconds": seconds}
        return load("latency", server.servers, **options)

    pairs = bench.turns(one)
    row("end to end at 1,000/s, p50", "ms", pairs, "p50_ms", "≤ 0.5x")
    row("end to end at 1,000/s, p99", "ms", pairs, "p99_ms", "no aim")


def partitions(bench: Bench) -> None:
    count = bench.count(400_000)
    for broker, cache, aim in (
        (levada, CACHE, "≥ 0.8x"),
        (kafka, {}, "none: it shows the client's part"),
    ):
        many = {"num.partitions": "256"}
        with broker({**cache, **many}) as wide, broker(cache) as narrow:

            def rate(server: Server, partitions: int) -> Figures:
                return produce(server, 1024, count, partitions, linger=50)

            # As warm as each other.
            rate(wide, 256), rate(narrow, 1)
            pairs = turns(lambda: rate(wide, 256), lambda: rate(narrow, 1), bench.pairs)
            name = f"produce to 256 partitions, {wide.name}, "
            row(name + "rate", "MB/s", pairs, "rate_mb", aim, "1 partition")
            row(name + "broker CPU", "s/GB", pairs, "cpu_gb", "none", "1 partition")


def disk(bench: Bench) -> None:
    seconds = 1 if bench.quick else 3
    with (
        levada({"levada.durability": "disk"}) as ours,
        kafka({"log.flush.interval.messages": "1"}) as peer,
    ):
        topics = {server.name: topic_of(server) for server in (ours, peer)}

        def one(server: Server) -> Figures:
            options = {"threads": 8, "outstanding": 1, "linger": 0, "count": 10**9}
            return measured(
                server, "produce", topic=topics[server.name], seconds=seconds, **options
            )

        pairs = turns(lambda: one(ours), lambda: one(peer), bench.pairs)
    row("8 clients, each message on disk, rate", "messages/s", pairs, "rate", "≥ 3x")


def group(bench: Bench) -> None:
    members = 200 if bench.quick else 2000
    delay = {"group.initial.rebalance.delay.ms": "500"}
    with levada({**CACHE, **delay}) as ours, kafka(delay) as peer:
        topics = {server.name: topic_of(server) for server in (ours, peer)}

        def one(server: Server) -> Figures:
            options = {"topic": topics[server.name], "group": f"group-{next(NUMBERS)}"}
            return load("group", server.servers, members=members, **options)

        pairs = turns(lambda: one(ours), lambda: one(peer), bench.pairs)
    row(f"one joins {members:,} members, all stable", "ms", pairs, "stable_ms", "≤ 1.0x")
    row(f"one joins {members:,} members, answers", "ms", pairs, "tail_ms", "≤ 1.0x")


def idle(bench: Bench) -> None:
    count = bench.count(10_000)
    grown = []
    for _ in range(1 if bench.quick else 3):
        with levada(CACHE) as ours:
            before = ours.memory_bytes()
            with generator.held("idle", ours.servers, count=count):
                # A connection keeps its buffer for some seconds after its last request.
                time.sleep(IDLE_SECONDS)
                grown.append((ours.memory_bytes() - before) / count / 1024)
    absolute(f"{count:,} idle connections, memory of each", "KiB", grown, "≤ 20", [])


def start(bench: Bench) -> None:
    times: dict[str, list[float]] = {"Levada": [], "Kafka": []}
    memory: dict[str, list[float]] = {"Levada": [], "Kafka": []}
    brokers = [levada] * bench.pairs + [kafka] * (1 if bench.quick else 3)
    for broker in brokers:
        with broker({}) as server:
            time.sleep(1)
            times[server.name].append(server.start_ms)
            memory[server.name].append(server.memory_bytes() / 1e6)
    absolute("start to the first Metadata", "ms", times["Levada"], "≤ 20", times["Kafka"])
    absolute("memory of an idle broker", "MB", memory["Levada"], "≤ 15", memory["Kafka"])


ROWS: dict[str, Callable[[Bench], None]] = {
    "produce-1k": produce_1k,
    "read-1k": read_1k,
    "produce-100": produce_100,
    "read-100": read_100,
    "latency": latency,
    "partitions": partitions,
    "disk": disk,
    "group": group,
    "idle": idle,
    "start": start,
}


def main() -> None:
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--quick", action="store_true", help="two pairs, fewer messages")
    parser.add_argument("--pairs", type=int, help="pairs of turns; 7")
    arguments = parser.parse_args()
    if unknown := set(arguments.rows) - set(ROWS):
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    # So that the servers end with this, however it ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # The servers inherit it.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    pairs = arguments.pairs or (2 if arguments.quick else 7)
    with ExitStack() as stack:
        bench = Bench(pairs, arguments.quick, stack)
        for name in arguments.rows or ROWS:
            ROWS[name](bench)


if __name__ == "__main__":
    main()
