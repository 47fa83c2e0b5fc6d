"""Scans: archive and live log as one table."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import levada
import pytest

pa = pytest.importorskip("pyarrow")
duckdb = pytest.importorskip("duckdb")
polars = pytest.importorskip("polars")


@pytest.fixture
def filled(db: levada.Database) -> levada.Database:
    db.create_topic("orders", 2)
    with db.producer() as p:
        for n in range(100):
            p.send("orders", b"%d" % n, key=b"k", timestamp=1000 * n, partition=n % 2)
    return db


def test_every_library_reads_a_scan_and_reads_it_again(filled: levada.Database) -> None:
    t = filled.scan("orders")
    query = "select count(*), sum(octet_length(value)), max(epoch_ms(timestamp)) from t"
    for _ in range(2):
        assert duckdb.sql(query).fetchall() == [(100, 190, 99_000)]
        assert polars.DataFrame(t).height == 100
        assert pa.table(t).num_rows == 100
    assert pa.schema(t).names == t.column_names


def test_columns_and_limits_are_pushed_down(filled: levada.Database) -> None:
    some = filled.scan("orders", columns=["offset", "value"], partitions=[1], start=10, end=12)
    assert pa.table(some).to_pylist() == [
        {"offset": 10, "value": b"21"},
        {"offset": 11, "value": b"23"},
    ]
    moment = datetime(1970, 1, 1, 0, 1, 38, tzinfo=UTC)
    assert pa.table(filled.scan("orders", start=moment)).num_rows == 2
    assert pa.table(filled.scan("orders", end=moment)).num_rows == 98
    assert pa.table(filled.scan("orders", start={0: 49, 1: 50})).num_rows == 1
    counted = filled.scan("orders", columns=[])
    assert sum(b.num_rows for b in pa.RecordBatchReader.from_stream(counted)) == 100


def test_bad_scans_are_refused_at_once(filled: levada.Database) -> None:
    with pytest.raises(levada.NotFoundError):
        filled.scan("none")
    with pytest.raises(levada.InvalidError, match="col"):
        filled.scan("orders", columns=["colour"])
    with pytest.raises(levada.OffsetOutOfRangeError):
        filled.scan("orders", start={0: 51})
    with pytest.raises(levada.NotFoundError):
        filled.scan("orders", partitions=[2])
    with pytest.raises(levada.InvalidError, match="which partition"):
        filled.scan("orders", start=1)


def test_a_scan_goes_over_archive_and_live_log(data: Path) -> None:
    with levada.open(data) as db:
        topic = db.create_topic("orders", 2)
        with db.producer(compression="zstd") as p:
            p.send_many("orders", [b"%d" % n for n in range(1000)], partition=0)
            p.flush()
            assert topic.archive() > 0
            p.send_many("orders", [b"%d" % n for n in range(1000, 1500)], partition=0)
        assert topic.describe().partitions[0].local_start == 1000
        got = pa.table(db.scan("orders", columns=["offset", "value"]))
        assert got["offset"].to_pylist() == list(range(1500))
        assert got["value"].to_pylist() == [b"%d" % n for n in range(1500)]
        with db.consumer("orders", start="earliest", idle_timeout=0) as c:
            assert [r.value for r in c] == got["value"].to_pylist()
        files = sorted(data.glob("archive/**/*.parquet"))
        assert files
        count = duckdb.sql(f"select count(*) from read_parquet({[str(f) for f in files]})")
        assert count.fetchall() == [(1000,)]


def test_limits_of_what_is_not_scanned_are_refused(filled: levada.Database) -> None:
    filled.create_topic("other")
    with pytest.raises(levada.InvalidError, match="other-0"):
        filled.scan("orders", start={("other", 0): 3})
    with pytest.raises(levada.InvalidError, match="orders-1"):
        filled.scan("orders", partitions=[0], end={1: 3})
    twice = filled.scan("orders", partitions=[0, 0], start={("orders", 0): 40})
    assert pa.table(twice).num_rows == 10
