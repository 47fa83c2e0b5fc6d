"""The archive directory as other programs find it, and scans while everything moves."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import levada
import polars
import pyarrow as pa
import pyarrow.dataset

SMALL = {"internal.segment.bytes": 16384}


def fill(db: levada.Database, topic: str, start: int, count: int) -> None:
    with db.producer() as p:
        for n in range(start, start + count):
            p.send(topic, b"%08d" % n, key=b"%d" % (n % 7), partition=n % 2)
            if n % 100 == 99:
                p.flush()


def test_every_library_reads_the_directory_as_plain_parquet(data: Path) -> None:
    with levada.open(data) as db:
        db.create_topic("t", partitions=2, config=SMALL)
        fill(db, "t", 0, 5000)
        db.topic("t").archive(active=True)
        with db.consumer("t", start="earliest", idle_timeout=0) as c:
            records = list(c)
    wanted = (5000, sum(r.offset for r in records), sum(int(r.value or b"") for r in records))
    files = [str(f) for f in sorted((data / "archive").rglob("*.parquet"))]
    assert len(files) >= 2
    sums = 'count(*), sum("offset"), sum(decode(value)::bigint)'
    assert duckdb.sql(f"select {sums} from read_parquet({files})").fetchall() == [wanted]
    frame = polars.read_parquet(files, columns=["offset", "value"])
    values = frame["value"].cast(polars.String).cast(polars.Int64)
    assert (frame.height, frame["offset"].sum(), values.sum()) == wanted
    table = pa.dataset.dataset(files).to_table(columns=["offset", "value"])
    rows = table.to_pylist()
    got = (len(rows), sum(r["offset"] for r in rows), sum(int(r["value"]) for r in rows))
    assert got == wanted


def test_a_scan_equals_a_full_consume_while_writer_retention_and_archiver_run(data: Path) -> None:
    config = {**SMALL, "levada.archive.after.ms": 0, "retention.bytes": 200_000}
    stop = threading.Event()
    failures: list[BaseException] = []

    with levada.open(data) as db:
        db.create_topic("t", partitions=2, config=config)
        fill(db, "t", 0, 2000)

        def look_after() -> None:
            try:
                while not stop.is_set():
                    for job in ("roll", "archive", "retain"):
                        db.run(job)
            except BaseException as error:
                failures.append(error)

        def write() -> None:
            try:
                start = 2000
                while not stop.is_set():
                    fill(db, "t", start, 200)
                    start += 200
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=look_after), threading.Thread(target=write)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                ends = {p: end for p, (_, end) in db.topic("t").offsets().items()}
                table = pa.table(db.scan("t", columns=["partition", "offset", "value"], end=ends))
                seen: dict[int, list[int]] = {0: [], 1: []}
                for row in table.to_pylist():
                    assert row["value"] == b"%08d" % (2 * row["offset"] + row["partition"])
                    seen[row["partition"]].append(row["offset"])
                for partition, offsets in seen.items():
                    # Retention may take from the front; nothing is doubled or left out behind it.
                    assert offsets == list(range(offsets[0], ends[partition]))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert failures == []
        # Nothing moves any more: both see the same.
        table = pa.table(db.scan("t", columns=["partition", "offset", "value"]))
        scanned = sorted((r["partition"], r["offset"], r["value"]) for r in table.to_pylist())
        with db.consumer("t", start="earliest", idle_timeout=0) as c:
            consumed = sorted((r.partition, r.offset, r.value) for r in c)
        assert scanned == consumed
