"""A C program is killed while it appends; what it was told is safe is there afterwards.

SIGKILL takes what lies in the program's memory, not what lies in the system's caches. That an
acknowledgement has waited for the disk is what the last test is about. LEVADA_CRASH_ROUNDS is how
often it is killed.
"""

import collections
import os
import pathlib
import random
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping

import confluent_kafka as ck
import levada
import pytest
from harness.installation import Library
from harness.matrix import WARNINGS
from harness.tools import ROOT, need, run

TOPIC = "events"
PARTITIONS = 3
ROUNDS = int(os.environ.get("LEVADA_CRASH_ROUNDS") or 12)
#: What the slowest disk needs.
SECONDS_MAX = 60
#: Each thread sends as many when the program is not killed; it has four.
CLEAN_COUNT = 250
THREADS = 4
#: Many times what its three producers may have on their way, and what a pipe holds.
LATE_MAX = 30_000

Place = tuple[int, int]
#: The values of each partition, by offset.
Held = dict[int, list[str]]


@pytest.fixture(scope="session")
def appender(library: Library, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    need("gcc")
    source = pathlib.Path(__file__).parent / "crash" / "appender.c"
    program = tmp_path_factory.mktemp("crash") / "appender"
    flags = ("-std=c99", *WARNINGS, "-O2", "-pthread", f"-I{library.include}")
    linked = (f"-L{library.lib}", "-llevada", f"-Wl,-rpath,{library.lib}")
    run("gcc", *flags, source, "-o", program, *linked)
    return program


class Child:
    """The program at work, and what it has said. A `count` of 0 has no end."""

    def __init__(
        self,
        program: pathlib.Path,
        directory: pathlib.Path,
        number: int = 0,
        count: int = 0,
        segment_bytes: int = 1 << 16,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        command = (program, directory, str(number), str(count), str(segment_bytes))
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, env={**os.environ, **(environment or {})}
        )
        assert self.process.stdout is not None
        self.pipe = self.process.stdout.fileno()
        self.said = bytearray()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def read(self, seconds: float) -> bool:
        """Takes what it says next; false when it said nothing for so long, or has ended."""
        if not select.select([self.pipe], [], [], seconds)[0]:
            return False
        more = os.read(self.pipe, 1 << 16)
        self.said += more
        return bool(more)

    def read_lines(self, count: int) -> None:
        while self.said.count(b"\n") < count:
            assert self.read(SECONDS_MAX), f"it said nothing more, and has ended: {self.ended}"

    @property
    def ended(self) -> int | None:
        return self.process.poll()

    def kill(self) -> None:
        if self.ended is None:
            self.process.kill()
            self.process.wait()
        while self.read(SECONDS_MAX):
            pass

    def acknowledged(self) -> Iterator[tuple[Place, str]]:
        """A line that the kill cut short says nothing."""
        for line in self.said.decode().split("\n")[:-1]:
            partition, offset, value = line.split(" ")
            yield (int(partition), int(offset)), value


def embedded(directory: pathlib.Path) -> Held:
    """What this process reads of the directory."""
    held: Held = {partition: [] for partition in range(PARTITIONS)}
    with (
        levada.open(directory) as db,
        db.consumer(TOPIC, start="earliest", idle_timeout=0) as consumer,
    ):
        for record in consumer:
            values = held[record.partition]
            assert record.offset == len(values), f"a gap in partition {record.partition}"
            values.append((record.value or b"").decode())
        ends = {p: end for p, (_, end) in db.topic(TOPIC).offsets().items()}
    assert ends == {partition: len(values) for partition, values in held.items()}
    return held


def wire(directory: pathlib.Path) -> Held:
    """What a client of Kafka is given of it."""
    held: Held = {partition: [] for partition in range(PARTITIONS)}
    with levada.serve(directory, port=0) as server:
        consumer = ck.Consumer(
            {
                "bootstrap.servers": server.bootstrap,
                "group.id": "none",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        try:
            consumer.assign([ck.TopicPartition(TOPIC, p, 0) for p in held])
            open_partitions = set(held)
            while open_partitions:
                message = consumer.poll(SECONDS_MAX)
                assert message is not None, f"nothing more of partitions {open_partitions}"
                take(message, held, open_partitions)
        finally:
            consumer.close()
    return held


def take(message: ck.Message, held: Held, open_partitions: set[int]) -> None:
    partition, error = message.partition(), message.error()
    assert partition is not None
    if error is not None:
        assert error.code() == ck.KafkaError._PARTITION_EOF, error
        open_partitions.discard(partition)
        return
    values, value = held[partition], message.value()
    assert message.offset() == len(values), f"a gap in partition {partition}"
    assert isinstance(value, bytes)
    values.append(value.decode())


def check(held: Held, acknowledged: dict[Place, str]) -> None:
    for (partition, offset), value in acknowledged.items():
        there = held[partition][offset : offset + 1]
        assert there == [value], f"{value} was acknowledged at {partition}@{offset}: {there}"
    counted = collections.Counter(value for values in held.values() for value in values)
    assert [value for value, times in counted.items() if times > 1] == []
    for partition, values in held.items():
        # Of each thread of each round, the number that came last.
        latest: dict[str, int] = {}
        for value in values:
            thread, _, number = value.rpartition("-")
            assert latest.get(thread, -1) < int(number), f"{value} is late in {partition}"
            latest[thread] = int(number)


def killed_at_some_moment(child: Child, chance: random.Random) -> None:
    """While it opens what the last kill left, or after so many records."""
    if chance.random() < 0.25:
        with pytest.raises(subprocess.TimeoutExpired):
            child.process.wait(chance.uniform(0, 0.1))
    else:
        child.read_lines(chance.randrange(1, 6000))
    assert child.ended is None, "it ended by itself; its words are above"
    child.kill()


def test_acknowledged_records_survive_a_kill(
    appender: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance, directory = random.Random(seed), tmp_path / "data"
    acknowledged: dict[Place, str] = {}
    readers: list[Callable[[pathlib.Path], Held]] = [embedded, wire]

    def note(child: Child) -> None:
        for place, value in child.acknowledged():
            assert place not in acknowledged, f"{place} was given to two records"
            acknowledged[place] = value

    # There is something to lose from the first kill on.
    with Child(appender, directory, 0, CLEAN_COUNT) as child:
        child.read_lines(THREADS * CLEAN_COUNT)
        assert child.process.wait(SECONDS_MAX) == 0
        note(child)
    for number in range(1, ROUNDS + 1):
        with Child(appender, directory, number) as child:
            killed_at_some_moment(child, chance)
            note(child)
        # Every third crash is met by the next program: what it recovers is crashed again.
        if number % 3:
            check(readers[number % 3 - 1](directory), acknowledged)
    print(f"{len(acknowledged)} records were acknowledged")

    # It opens what was left, goes on, and closes as if nothing had been.
    with Child(appender, directory, ROUNDS + 1, CLEAN_COUNT) as child:
        child.read_lines(THREADS * CLEAN_COUNT)
        assert child.process.wait(SECONDS_MAX) == 0
        note(child)
    held = embedded(directory)
    check(held, acknowledged)
    assert wire(directory) == held


def test_an_acknowledgement_waits_for_the_disk(
    appender: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    need("cc")
    if sys.platform != "linux":
        pytest.skip("left out: it needs LD_PRELOAD")
    hook, delay = tmp_path / "slowsync.so", tmp_path / "ms"
    run("cc", "-shared", "-fPIC", ROOT / "tests" / "python" / "slowsync.c", "-o", hook)
    delay.write_text("0")
    slow = {"LD_PRELOAD": str(hook), "SLOW_MS": str(delay)}
    # No segment is sealed meanwhile: that waits for the disk whatever is promised.
    with Child(appender, tmp_path / "data", 0, 0, 1 << 30, slow) as child:
        # So many that all files are there: making one waits for the disk as well.
        child.read_lines(20_000)
        # From here on no sync ends while this test runs.
        hidden = tmp_path / "new"
        hidden.write_text("600000")
        hidden.rename(delay)
        # What was synced before, and what lies in the pipe, is still said.
        before = child.said.count(b"\n")
        while child.read(1):
            late = child.said.count(b"\n") - before
            assert late < LATE_MAX, "it goes on although nothing is on the disk"
        assert child.ended is None
