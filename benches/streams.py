"""Sending and receiving from Python."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import duckdb
import levada
import numpy as np
import peers
import pyarrow as pa
from harness import Row, compare

VALUE = bytes(range(100))
COUNT = 1_000_000


def send(db: levada.Database, topic: str, count: int = COUNT) -> float:
    started = time.perf_counter()
    with db.producer() as producer:
        one = producer.send
        for _ in range(count):
            one(topic, VALUE)
    return count / (time.perf_counter() - started)


def poll(db: levada.Database, topic: str) -> float:
    size = seen = 0
    with db.consumer(topic, start="earliest") as consumer:
        started = time.perf_counter()
        while batch := consumer.poll(max_records=5000, timeout=0):
            for record in batch:
                size += len(record.value or b"")
            seen += len(batch)
    assert size == seen * len(VALUE)
    return seen / (time.perf_counter() - started)


def poll_arrow(db: levada.Database, topic: str) -> float:
    seen = 0
    with db.consumer(topic, start="earliest") as consumer:
        started = time.perf_counter()
        while rows := pa.table(consumer.poll_arrow(timeout=0)).num_rows:
            seen += rows
    return seen / (time.perf_counter() - started)


def send_arrow(db: levada.Database, table: pa.Table) -> float:
    started = time.perf_counter()
    with db.producer() as producer:
        producer.send_arrow("arrow", table)
    return table.num_rows / (time.perf_counter() - started)


def insert_duckdb(path: Path, table: pa.Table) -> float:
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t (value blob)")
        started = time.perf_counter()
        connection.register("rows", table)
        connection.execute("insert into t select value from rows")
        return table.num_rows / (time.perf_counter() - started)


def scan(db: levada.Database, topic: str) -> float:
    """Bytes of values a second."""
    started = time.perf_counter()
    size = rows = 0
    for batch in pa.RecordBatchReader.from_stream(db.scan(topic, columns=["value"])):
        rows += batch.num_rows
        # The length is the first four bytes of each 16-byte view.
        views = batch.column(0).buffers()[1]
        size += int(np.frombuffer(views, np.int32)[::4][: batch.num_rows].sum(dtype=np.int64))
    assert size == rows * len(VALUE)
    return size / (time.perf_counter() - started)


def memory_copy() -> float:
    """Bytes a second of copying 256 MB."""
    source = bytearray(256 << 20)
    target = bytearray(256 << 20)
    started = time.perf_counter()
    memoryview(target)[:] = source
    return len(source) / (time.perf_counter() - started)


def spread_out(db: levada.Database, topic: str, partitions: int, count: int = 500_000) -> float:
    started = time.perf_counter()
    with db.producer() as producer:
        one = producer.send
        for at in range(count):
            one(topic, VALUE, partition=at % partitions)
    return count / (time.perf_counter() - started)


def rows() -> list[Row]:
    done = []
    with tempfile.TemporaryDirectory() as root, peers.mock_cluster() as (producer, servers):
        config = {"retention.ms": -1, "retention.bytes": -1, "segment.bytes": 64 << 20}
        with levada.open(Path(root) / "data") as db:
            db.create_topic("cache", config={**config, "levada.durability": "cache"})
            db.create_topic("disk", config=config)
            db.create_topic("read", config={**config, "levada.durability": "cache"})
            db.create_topic("arrow", config={**config, "levada.durability": "cache"})
            db.create_topic("one", config={**config, "levada.durability": "cache"})
            db.create_topic(
                "many", partitions=1000, config={**config, "levada.durability": "cache"}
            )
            send(db, "read")
            peers.produce(producer, "read", VALUE, COUNT)
            mock = "confluent-kafka"
            done.append(
                compare(
                    "send, one call a message, 100 B, cache",
                    "records/s",
                    lambda: send(db, "cache"),
                    mock,
                    lambda: peers.produce(producer, "sent", VALUE, COUNT),
                    ">= 2.5x",
                )
            )
            done.append(
                compare(
                    "send with disk (group commit)",
                    "records/s",
                    lambda: send(db, "disk"),
                    "cache",
                    lambda: send(db, "cache"),
                    ">= 0.7x",
                )
            )
            groups = iter(range(1000))
            done.append(
                compare(
                    "poll, every value as bytes",
                    "records/s",
                    lambda: poll(db, "read"),
                    mock,
                    lambda: peers.consume(servers, "read", COUNT, f"a{next(groups)}"),
                    ">= 4x",
                )
            )
            done.append(
                compare(
                    "poll_arrow",
                    "records/s",
                    lambda: poll_arrow(db, "read"),
                    mock,
                    lambda: peers.consume(servers, "read", COUNT, f"b{next(groups)}"),
                    ">= 30x",
                )
            )
            # Equal values would be stored once by the peer.
            values = [os.urandom(len(VALUE)) for _ in range(COUNT // 2)]
            table = pa.table({"value": pa.array(values, pa.binary())})
            done.append(
                compare(
                    "send_arrow, 100 B",
                    "rows/s",
                    lambda: send_arrow(db, table),
                    "DuckDB insert",
                    lambda: insert_duckdb(Path(root) / "peer.db", table),
                    ">= 20x",
                )
            )
            done.append(
                compare(
                    "scan of live segments",
                    "B/s",
                    lambda: scan(db, "read"),
                    "memcpy",
                    memory_copy,
                    "say the fraction",
                )
            )
            done.append(
                compare(
                    "1,000 partitions round-robin",
                    "records/s",
                    lambda: spread_out(db, "many", 1000),
                    "1 partition",
                    lambda: spread_out(db, "one", 1),
                    ">= 0.5x",
                )
            )
    return done
