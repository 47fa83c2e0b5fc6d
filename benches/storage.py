"""The log and the archive: recovery, rates as data grows, Parquet, single records, memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import levada
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from harness import Row, compare

KEEP = {"retention.ms": -1, "retention.bytes": -1, "levada.durability": "cache"}


def json_like(count: int, size: int = 532) -> pa.Table:
    """Values that compress about as JSON does."""
    random = np.random.default_rng(7)
    words = [f'"field{w}": "{random.integers(1 << 30)}", '.encode() for w in range(300)]
    values = []
    for at in range(count):
        picks = random.integers(0, len(words), size // 22)
        values.append((b'{"n": %d, ' % at + b"".join(words[p] for p in picks))[:size])
    return pa.table({"value": pa.array(values, pa.binary())})


def fill(db: levada.Database, topic: str, table: pa.Table, size: int) -> None:
    """Appends `table` again and again until about `size` bytes are there."""
    with db.producer() as producer:
        for _ in range(max(1, size // table.nbytes)):
            producer.send_arrow(topic, table)


def to_parquet(root: Path, table: pa.Table) -> list[Row]:
    """Segments to Parquet against pyarrow on the same rows, wall and CPU."""
    reference = pa.table(
        {
            "partition": pa.array(np.zeros(table.num_rows, np.int32)),
            "offset": pa.array(np.arange(table.num_rows)),
            "timestamp": pa.array(np.arange(table.num_rows), pa.timestamp("us", "UTC")),
            "value": table["value"],
        }
    )
    figures: dict[str, list[float]] = {"wall": [], "cpu": [], "peer wall": [], "peer cpu": []}
    for run in range(6):
        with levada.open(root / f"parquet{run}") as db:
            db.create_topic("t", config={**KEEP, "segment.bytes": 64 << 20})
            with db.producer() as producer:
                producer.send_arrow("t", table)
            wall, cpu = time.perf_counter(), time.process_time()
            db.topic("t").archive()
            ours = time.perf_counter() - wall, time.process_time() - cpu
        wall, cpu = time.perf_counter(), time.process_time()
        peer = root / "peer.parquet"
        pq.write_table(
            reference,
            peer,
            compression="zstd",
            compression_level=1,
            use_dictionary=False,
            write_page_index=True,
            row_group_size=60_000,
        )
        peers = time.perf_counter() - wall, time.process_time() - cpu
        if run:
            size = table.nbytes / 1e6
            for name, seconds in zip(figures, (*ours, *peers), strict=True):
                figures[name].append(size / seconds)
    rows = [
        Row(
            "segment to Parquet, wall (read back and compared too)",
            "MB/s",
            figures["wall"],
            "pyarrow",
            figures["peer wall"],
            ">= 1.0x",
        ),
        Row(
            "segment to Parquet, CPU (read back and compared too)",
            "MB/CPU s",
            figures["cpu"],
            "pyarrow",
            figures["peer cpu"],
            ">= 1.0x",
        ),
    ]
    for row in rows:
        print(f"{row.name}: {row.ratio:.2f}x pyarrow (aim {row.aim})")
    return rows


def one_record(root: Path, table: pa.Table) -> Row:
    """One record by offset out of a 256 MB archive file, against pyarrow reading its row group."""
    random = np.random.default_rng(3)
    with levada.open(root / "single") as db:
        db.create_topic(
            "t", config={**KEEP, "segment.bytes": 64 << 20, "max.message.bytes": 1 << 20}
        )
        fill(db, "t", table, 900 << 20)
        end = db.topic("t").offsets()[0][1]
        db.topic("t").archive()
        files = sorted((root / "single").rglob("*.parquet"), key=lambda f: f.stat().st_size)
        file = files[-1]
        print(f"    the archive file has {file.stat().st_size / 1e6:.0f} MB")
        reader = pq.ParquetFile(file)

        def ours() -> float:
            offsets = random.integers(0, end, 50)
            started = time.perf_counter()
            with db.consumer(partitions=[("t", 0)], start="earliest") as consumer:
                for offset in offsets:
                    consumer.seek(0, int(offset))
                    assert consumer.poll(max_records=1, timeout=1)[0].offset == offset
            return len(offsets) / (time.perf_counter() - started)

        def peer() -> float:
            started = time.perf_counter()
            for group in random.integers(0, reader.num_row_groups, 3):
                reader.read_row_group(int(group))
            return 3 / (time.perf_counter() - started)

        return compare(
            "one record by offset from the archive", "records/s", ours, "pyarrow", peer, ">= 10x"
        )


def recovery(root: Path, size: int = 4 << 30) -> list[float]:
    """Unclean open of `size` unflushed bytes against reading and checking the same bytes."""
    path = root / "unclean"
    code = (
        "import levada, os, sys, pyarrow as pa\n"
        f"db = levada.open({str(path)!r})\n"
        f"db.create_topic('t', config={KEEP!r} | {{'segment.bytes': 1 << 30}})\n"
        "t = pa.table({'value': pa.array([os.urandom(1000)] * 100_000, pa.binary())})\n"
        "p = db.producer()\n"
        f"for _ in range({size} // t.nbytes): p.send_arrow('t', t)\n"
        "p.flush(); os._exit(0)\n"
    )
    ratios = []
    for _ in range(3):
        subprocess.run([sys.executable, "-c", code], check=True)
        logs = sorted(path.rglob("t-0/*.log"))
        started = time.perf_counter()
        for log in logs:
            with log.open("rb", buffering=0) as file:
                while block := file.read(4 << 20):
                    zlib.crc32(block)
        plain = time.perf_counter() - started
        started = time.perf_counter()
        levada.open(path).close()
        opened = time.perf_counter() - started
        started = time.perf_counter()
        levada.open(path).close()
        clean = time.perf_counter() - started
        ratios.append(opened / plain)
        print(
            f"    unclean open {opened:.2f} s, read + CRC {plain:.2f} s, clean open {clean * 1000:.1f} ms"
        )
        subprocess.run(["rm", "-rf", str(path)], check=True)
    print(
        f"unclean open of {size >> 30} GB: {statistics.median(ratios):.2f}x read + CRC-32 of zlib (aim <= 1.5x)"
    )
    return ratios


def append(db: levada.Database, topic: str, table: pa.Table) -> float:
    """MB a second."""
    started = time.perf_counter()
    with db.producer() as producer:
        producer.send_arrow(topic, table)
    return table.nbytes / (time.perf_counter() - started) / 1e6


def read_end(db: levada.Database, topic: str, table: pa.Table) -> float:
    """MB a second of the last rows."""
    started = time.perf_counter()
    end = db.topic(topic).offsets()[0][1]
    with db.consumer(partitions=[(topic, 0)], start="earliest") as consumer:
        consumer.seek(0, end - table.num_rows)
        seen = 0
        while seen < table.num_rows:
            seen += len(consumer.poll(max_records=5000, timeout=5))
    return table.nbytes / (time.perf_counter() - started) / 1e6


def growth(root: Path) -> None:
    """Read and append rates with 0.1, 1 and 10 GB in the topic, against one that was empty.

    In turns, because the system writes back what the big one left in the page cache meanwhile.
    """
    table = pa.table({"value": pa.array([os.urandom(1000)] * 50_000, pa.binary())})
    with levada.open(root / "growth") as db:
        config = {**KEEP, "segment.bytes": 256 << 20}
        db.create_topic("t", config=config)
        have = 0
        for size in (100 << 20, 1 << 30, 10 << 30):
            fill(db, "t", table, size - have)
            have = size
            other = f"small-{size}"
            db.create_topic(other, config=config)
            append(db, other, table)
            for what in (append, read_end):
                pairs = [(what(db, "t", table), what(db, other, table)) for _ in range(5)]
                ours, small = (statistics.median(rates) for rates in zip(*pairs, strict=True))
                print(
                    f"{size / (1 << 30):.1f} GB in the topic, {what.__name__}: {ours:,.0f} MB/s, "
                    f"{ours / small:.2f}x a small topic in the same run (aim >= 0.9x)"
                )


def memory(root: Path) -> None:
    """Memory of an open engine with 100 topics over the bare interpreter."""
    measure = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    make = (
        f"import levada; db = levada.open({str(root / 'memory')!r})\n"
        "[db.create_topic(f't{n}', exist_ok=True) for n in range(100)]\n"
        "p = db.producer(); [p.send(f't{n}', b'x') for n in range(100)]; p.close(); db.close()"
    )
    subprocess.run([sys.executable, "-c", make], check=True)
    opened = f"import levada; db = levada.open({str(root / 'memory')!r}); db.topics()\n{measure}\ndb.close()"
    bare = int(subprocess.check_output([sys.executable, "-c", measure]))
    ours = int(subprocess.check_output([sys.executable, "-c", opened]))
    print(
        f"memory of an open engine with 100 topics: {(ours - bare) / 1024:.1f} MB over the interpreter (aim <= 15)"
    )


def rows() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        memory(root)
        to_parquet(root, json_like(400_000))
        one_record(root, json_like(100_000))
        recovery(root)
        growth(root)
