"""Arrow in and out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import levada
import pytest

pa = pytest.importorskip("pyarrow")


def read(db: levada.Database) -> list[levada.Record]:
    with db.consumer("orders", start="earliest", idle_timeout=0) as c:
        return list(c)


@pytest.mark.parametrize(
    "kind",
    ["binary", "large_binary", "string", "large_string", "binary_view", "string_view", "binary(2)"],
)
def test_values_of_every_byte_type(db: levada.Database, kind: str) -> None:
    db.create_topic("orders")
    wanted: Any = pa.binary(2) if kind == "binary(2)" else getattr(pa, kind)()
    column = pa.array([b"ab", None, b"cd"], pa.binary()).cast(pa.binary()).cast(wanted)
    with db.producer() as p:
        bulk = p.send_arrow("orders", pa.table({"value": column}))
        assert len(bulk) == 3
        assert bulk.result(5)[-1].offset == 2
        p.send_many("orders", column, keys=column)
    assert [r.value for r in read(db)] == [b"ab", None, b"cd"] * 2
    assert [r.key for r in read(db)][3:] == [b"ab", None, b"cd"]


def test_all_columns(db: levada.Database) -> None:
    db.create_topic("orders", 2)
    moment = datetime(2013, 1, 1, tzinfo=UTC)
    headers = pa.list_(pa.struct([("key", pa.string()), ("value", pa.binary())]))
    table = pa.table(
        {
            "value": pa.array([b"a", b"b"]),
            "key": pa.array(["k", None]),
            "timestamp": pa.array([moment, None], pa.timestamp("ns", "UTC")),
            "headers": pa.array([[("h", b"1"), ("h", None)], None], headers),
            "partition": pa.array([1, 0], pa.int8()),
        }
    )
    with db.producer() as p:
        p.send_arrow("orders", table, keep_partitions=True)
        p.send_arrow("orders", table.slice(1).to_batches()[0], keep_partitions=True)
    rows = sorted((r.partition, r.offset, r.key, r.value, r.headers) for r in read(db))
    assert rows == [
        (0, 0, None, b"b", []),
        (0, 1, None, b"b", []),
        (1, 0, b"k", b"a", [("h", b"1"), ("h", None)]),
    ]
    assert [r.datetime for r in read(db) if r.partition == 1] == [moment]


def test_maps_are_headers_and_ints_are_milliseconds(db: levada.Database) -> None:
    db.create_topic("orders")
    maps = pa.map_(pa.string(), pa.binary())
    table = pa.table(
        {
            "value": pa.array([b"a"]),
            "timestamp": pa.array([1234]),
            "headers": pa.array([[("x", b"y")]], maps),
        }
    )
    with db.producer() as p:
        p.send_arrow("orders", table)
    (record,) = read(db)
    assert (record.timestamp, record.headers) == (1234, [("x", b"y")])


def test_wrong_tables_are_refused(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.producer() as p:
        for table, match in [
            (pa.table({"values": [b"a"]}), "rename"),
            (pa.table({"key": [b"a"]}), '"value"'),
            (pa.table({"value": [1]}), "Int64"),
            (pa.table({"value": [b"a"], "timestamp": ["now"]}), "timestamp"),
            (pa.table({"value": [b"a"], "headers": [1]}), "headers"),
            (pa.table({"value": [b"a"], "partition": [0.5]}), "partition"),
            (pa.table({"value": [b"a"], "partition": [7]}), "no partition 7"),
        ]:
            with pytest.raises(levada.Error, match=match):
                p.send_arrow("orders", table, keep_partitions="partition" in table.column_names)
        with pytest.raises(TypeError, match="Arrow"):
            p.send_arrow("orders", [b"a"])  # type: ignore[arg-type]
    assert read(db) == []


def test_a_long_stream_goes_through_a_small_buffer(db: levada.Database) -> None:
    db.create_topic("orders")
    batches = [pa.record_batch({"value": [b"x" * 100] * 1000}) for _ in range(20)]
    reader = pa.RecordBatchReader.from_batches(batches[0].schema, batches)
    with db.producer(buffer_memory=100_000) as p:
        assert len(p.send_arrow("orders", reader)) == 20_000
    assert len(read(db)) == 20_000


@pytest.mark.parametrize("codec", ["none", "zstd"])
@pytest.mark.parametrize("view", [True, False])
def test_poll_arrow_gives_the_records(db: levada.Database, codec: str, view: bool) -> None:
    db.create_topic("orders", 2)
    with db.producer(compression=codec) as p:
        p.send(
            "orders", b"first value, longer than twelve", key=b"k", headers={"h": b"1"}, partition=0
        )
        p.send("orders", None, timestamp=1500, partition=1)
    with db.consumer("orders", start="earliest") as c:
        got = [c.poll_arrow(view=view), c.poll_arrow(timeout=0, view=view)]
        assert c.lag() == {("orders", 0): 0, ("orders", 1): 0}
    table = pa.concat_tables([pa.table(g) for g in got])
    assert table.column_names == ["partition", "offset", "timestamp", "key", "value", "headers"]
    assert table.schema.field("value").type == (pa.binary_view() if view else pa.large_binary())
    assert table.schema.field("timestamp").type == pa.timestamp("us", "UTC")
    rows = sorted(table.to_pylist(), key=lambda r: r["partition"])
    assert [(r["partition"], r["offset"], r["key"], r["value"], r["headers"]) for r in rows] == [
        (0, 0, b"k", b"first value, longer than twelve", [{"key": "h", "value": b"1"}]),
        (1, 0, None, None, []),
    ]
    assert rows[1]["timestamp"] == datetime.fromtimestamp(1.5, UTC)


def test_poll_arrow_goes_on_where_the_iteration_stood(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.producer() as p:
        p.send_many("orders", [b"%d" % n for n in range(10)])
    with db.consumer("orders", start="earliest", idle_timeout=0) as c:
        assert next(c).value == b"0"
        batches = c.poll_arrow()
        assert pa.table(batches)["value"].to_pylist() == [b"%d" % n for n in range(1, 10)]
        assert len(batches) == batches.num_rows == 9
        # Read as often as one likes.
        assert pa.table(batches).num_rows == 9
        assert list(c) == []


def test_what_poll_arrow_gave_outlives_the_database(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.producer() as p:
        p.send("orders", b"a value that does not fit into a view")
    with db.consumer("orders", start="earliest") as c:
        table = pa.table(c.poll_arrow())
    db.close()
    assert table["value"].to_pylist() == [b"a value that does not fit into a view"]


def test_duckdb_and_polars_read_what_was_polled(db: levada.Database) -> None:
    duckdb = pytest.importorskip("duckdb")
    polars = pytest.importorskip("polars")
    db.create_topic("orders")
    with db.producer() as p:
        p.send_many("orders", [b"one", b"three"])
    with db.consumer("orders", start="earliest") as c:
        batches = c.poll_arrow()
    total = duckdb.sql("select count(*), sum(octet_length(value)) from batches").fetchall()
    assert total == [(2, 8)]
    assert polars.DataFrame(batches)["value"].to_list() == [b"one", b"three"]


def test_headers_are_told_by_their_names(db: levada.Database) -> None:
    db.create_topic("orders")
    swapped = pa.list_(pa.struct([("value", pa.binary()), ("key", pa.string())]))
    rows = pa.array([[{"key": "h", "value": b"1"}, {"key": "i", "value": None}]], swapped)
    others = pa.list_(pa.struct([("name", pa.string()), ("text", pa.binary())]))
    with db.producer() as p:
        p.send_arrow("orders", pa.table({"value": [b"a"], "headers": rows}))
        for wrong, match in [
            (pa.array([[{"name": "h", "text": b"1"}]], others), "key and value"),
            (pa.array([[None]], swapped), "row 0: a header is null"),
            (pa.array([[{"key": None, "value": b"1"}]], swapped), "row 0: a header's key"),
        ]:
            with pytest.raises(levada.InvalidError, match=match):
                p.send_arrow("orders", pa.table({"value": [b"b"], "headers": wrong}))
    assert [r.headers for r in read(db)] == [[("h", b"1"), ("i", None)]]


def test_a_timestamp_that_does_not_fit_is_refused(db: levada.Database) -> None:
    db.create_topic("orders")
    table = pa.table({"value": [b"a"], "timestamp": pa.array([2**64 - 1], pa.uint64())})
    with db.producer() as p, pytest.raises(levada.InvalidError, match="timestamp"):
        p.send_arrow("orders", table)
    assert read(db) == []


def encodings() -> list[Any]:
    words = pa.array(["k", "k", None, "l"])
    runs = pa.RunEndEncodedArray.from_arrays(
        pa.array([2, 3, 4], pa.int32()), pa.array(["k", None, "l"])
    )
    fixed = pa.array([b"k", b"k", None, b"l"], pa.binary(1))
    return [
        words.dictionary_encode(),
        words.cast(pa.large_string()).dictionary_encode(),
        words.cast(pa.binary()).dictionary_encode(),
        fixed,
        fixed.dictionary_encode(),
        runs,
        pa.concat_arrays([runs, runs]).slice(4),
    ]


@pytest.mark.parametrize("column", encodings(), ids=lambda c: str(c.type))
def test_encoded_columns_are_sent_as_what_they_stand_for(db: levada.Database, column: Any) -> None:
    db.create_topic("orders")
    with db.producer() as p:
        p.send_arrow("orders", pa.table({"value": column, "key": column}))
        p.send_many("orders", column)
    wanted = [b"k", b"k", None, b"l"]
    assert [r.value for r in read(db)] == wanted * 2
    assert [r.key for r in read(db)][:4] == wanted


@pytest.mark.parametrize("kind", ["list_", "large_list", "list_view", "large_list_view", "fixed"])
def test_headers_come_in_every_kind_of_list(db: levada.Database, kind: str) -> None:
    db.create_topic("orders")
    pair = pa.struct(
        [("key", pa.dictionary(pa.int32(), pa.string())), ("value", pa.large_binary())]
    )
    kinds = pa.list_(pair, 2) if kind == "fixed" else getattr(pa, kind)(pair)
    rows = [[{"key": f"h{n}", "value": b"%d" % n}, {"key": "i", "value": None}] for n in range(3)]
    headers = pa.array(rows, kinds).slice(1)
    with db.producer() as p:
        p.send_arrow("orders", pa.table({"value": [b"", b""], "headers": headers}))
    assert [r.headers for r in read(db)] == [
        [("h1", b"1"), ("i", None)],
        [("h2", b"2"), ("i", None)],
    ]


def test_times_come_as_dates_and_dictionaries(db: levada.Database) -> None:
    db.create_topic("orders")
    day = datetime(2013, 1, 2, tzinfo=UTC)
    moments = pa.array([day], pa.timestamp("us", "UTC"))
    with db.producer() as p:
        for column in (
            pa.array([day.date()]),
            pa.array([day.date()], pa.date64()),
            moments.dictionary_encode(),
        ):
            p.send_arrow("orders", pa.table({"value": [b""], "timestamp": column}))
    assert [r.datetime for r in read(db)] == [day] * 3


def test_pandas_polars_and_duckdb_categories_are_sent(db: levada.Database) -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    duckdb = pytest.importorskip("duckdb")
    db.create_topic("orders")
    words = ["a", "b", "a"]
    frame = pandas.DataFrame({"value": words, "key": pandas.Categorical(words)})
    with db.producer() as p:
        p.send_arrow("orders", frame)
        p.send_arrow(
            "orders",
            polars.DataFrame(
                {"value": words, "key": polars.Series(words, dtype=polars.Categorical)}
            ),
        )
        p.send_arrow("orders", duckdb.sql("select 'a' as value, 'a'::enum('a', 'b') as key"))
    assert [(r.key, r.value) for r in read(db)] == [
        (w.encode(), w.encode()) for w in [*words, *words, "a"]
    ]


def test_a_scan_and_a_poll_are_sent_to_another_topic(db: levada.Database) -> None:
    db.create_topic("orders", 2)
    db.create_topic("copy", 3)
    with db.producer() as p:
        for n in range(10):
            p.send(
                "orders",
                b"%d" % n,
                key=b"k%d" % n,
                headers={"h": b"1"},
                timestamp=n,
                partition=n % 2,
            )
        p.flush()
        p.send_arrow("copy", db.scan("orders"))
        with db.consumer("orders", start="earliest") as c:
            p.send_arrow("copy", c.poll_arrow(), keep_partitions=True)
            p.send_arrow("copy", c.poll_arrow(), keep_partitions=True)
        with pytest.raises(levada.InvalidError, match='no column "partition"'):
            p.send_arrow("copy", pa.table({"value": [b""]}), keep_partitions=True)

    def rows(topic: str) -> list[Any]:
        with db.consumer(topic, start="earliest", idle_timeout=0) as c:
            return [(r.timestamp, r.key, r.value, r.headers, r.partition) for r in c]

    copies = sorted(rows("copy"))
    assert len(copies) == 20
    assert [r[:4] for r in copies[::2]] == [r[:4] for r in sorted(rows("orders"))]
    # The scan's went by their keys, over all three partitions; the polled ones kept theirs.
    assert {r[4] for r in copies} == {0, 1, 2}
    assert all(row in copies for row in rows("orders"))


@pytest.mark.parametrize("view", [True, False])
def test_poll_arrow_says_the_topic_where_there_may_be_several(
    db: levada.Database, view: bool
) -> None:
    names = ["orders", "a-name-of-more-than-twelve-bytes"]
    for name in names:
        db.create_topic(name)
    with db.producer() as p:
        for name in names:
            p.send_many(name, [name.encode()] * 3)
    consumers = [
        db.consumer(*names, start="earliest"),
        db.consumer(pattern=".*", start="earliest"),
        db.consumer(partitions=[(n, 0) for n in names], start="earliest"),
    ]
    for c in consumers:
        with c:
            table = pa.concat_tables(
                [pa.table(c.poll_arrow(timeout=0, view=view)) for _ in range(3)]
            )
        assert table.column_names[:2] == ["topic", "partition"]
        assert table["topic"].cast(pa.string()).to_pylist() == [
            v.decode() for v in table["value"].to_pylist()
        ]
        assert table.num_rows == 6
    with db.consumer("orders", start="earliest") as c:
        assert "topic" not in c.poll_arrow(timeout=0, view=view).column_names
