"""Sending."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime

import levada
import pytest


def values(db: levada.Database, topic: str = "orders") -> list[bytes | None]:
    with db.consumer(topic, start="earliest", idle_timeout=0) as c:
        return [r.value for r in c]


def test_a_delivery_says_where_the_record_went(db: levada.Database) -> None:
    db.create_topic("orders", 2)
    with db.producer() as p:
        d = p.send("orders", b"tea", key=b"42", timestamp=1234, partition=1)
        placed = d.result(timeout=5)
    assert (placed.topic, placed.partition, placed.offset, placed.timestamp) == (
        "orders",
        1,
        0,
        1234,
    )
    assert d.done()
    assert placed == d.result()
    assert hash(placed) == hash(d.result())


def test_leaving_flushes_and_order_is_kept(db: levada.Database) -> None:
    db.create_topic("orders")
    sent = [b"%d" % n for n in range(5000)]
    with db.producer(linger_ms=100_000, batch_size=1000) as p:
        for value in sent:
            p.send("orders", value)
    assert values(db) == sent


def test_keys_decide_the_partition_as_kafkas(db: levada.Database) -> None:
    db.create_topic("orders", 8)
    # Kafka's murmur2 of the key, positive, modulo 8.
    with db.producer() as p:
        got = [p.send("orders", b"", key=k).result(5).partition for k in (b"21", b"foobar", b"abc")]
    assert got == [(-973932308 & 0x7FFFFFFF) % 8, (-790332482 & 0x7FFFFFFF) % 8, 479470107 % 8]


def test_buffers_are_values_and_text_is_not(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.producer() as p:
        for value in (b"a", bytearray(b"b"), memoryview(b"xcx")[1:2], None):
            p.send("orders", value)
        with pytest.raises(TypeError, match="encode"):
            p.send("orders", "text")  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            p.send("orders", 1)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            p.send(b"orders", b"")  # type: ignore[arg-type]
    assert values(db) == [b"a", b"b", b"c", None]


def test_headers_keep_order_nulls_repeats_and_odd_bytes(db: levada.Database) -> None:
    db.create_topic("orders")
    odd = b"\xff\xfe".decode("utf-8", "surrogateescape")
    pairs = [("a", b"1"), ("a", None), ("", b""), (odd, b"2")]
    with db.producer() as p:
        p.send("orders", b"", headers=pairs)
        p.send("orders", b"", headers={"x": b"1"})
    with db.consumer("orders", start="earliest", idle_timeout=0) as c:
        first, second = c
    assert first.headers == pairs
    assert second.headers == [("x", b"1")]


def test_timestamps_are_ints_or_aware_datetimes(db: levada.Database) -> None:
    db.create_topic("orders")
    moment = datetime(2013, 1, 1, 5, 15, 0, 123_999, tzinfo=UTC)
    with db.producer() as p:
        placed = p.send("orders", b"", timestamp=moment).result(5)
        assert placed.timestamp == 1357017300123
        with pytest.raises(levada.InvalidError, match="zone"):
            p.send("orders", b"", timestamp=datetime(2013, 1, 1))
        with pytest.raises(TypeError):
            p.send("orders", b"", timestamp="now")  # type: ignore[arg-type]
    with db.consumer("orders", start="earliest", idle_timeout=0) as c:
        (record,) = c
    assert record.datetime == moment.replace(microsecond=123_000)
    assert record.datetime.tzinfo is UTC


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_codec_gives_back_what_went_in(db: levada.Database, codec: str) -> None:
    db.create_topic("orders")
    sent = [b"the same words again and again %d" % n for n in range(1000)]
    with db.producer(compression=codec) as p:
        p.send_many("orders", sent)
    assert values(db) == sent


def test_send_many_takes_what_stands_beside(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.producer() as p:
        bulk = p.send_many(
            "orders",
            [b"1", None, b"3"],
            keys=[b"a", None, b"c"],
            timestamps=[1, 2, datetime(1970, 1, 1, 0, 0, 3, tzinfo=UTC)],
            headers=[{"h": b"x"}, [], ()],
        )
        assert len(bulk) == 3
        assert bulk.result(5)[-1].offset == 2
        with pytest.raises(levada.InvalidError, match="2 keys for 1"):
            p.send_many("orders", [b"1"], keys=[b"1", b"2"])
        with pytest.raises(TypeError, match="list"):
            p.send_many("orders", b"one")
    with db.consumer("orders", start="earliest", idle_timeout=0) as c:
        rows = [(r.key, r.value, r.timestamp, r.headers) for r in c]
    assert rows == [
        (b"a", b"1", 1, [("h", b"x")]),
        (None, None, 2, []),
        (b"c", b"3", 3000, []),
    ]


def test_send_many_takes_buffers_item_by_item(db: levada.Database) -> None:
    numpy = pytest.importorskip("numpy")
    db.create_topic("orders")
    with db.producer() as p:
        p.send_many("orders", numpy.array([1, 2, 3], dtype="<u2"))
    assert values(db) == [b"\1\0", b"\2\0", b"\3\0"]


def test_a_full_buffer_pushes_back_and_loses_nothing(db: levada.Database) -> None:
    db.create_topic("orders")
    sent = [b"x" * 1000] * 2000
    with db.producer(buffer_memory=64_000, batch_size=16_000) as p:
        for value in sent:
            p.send("orders", value)
    assert len(values(db)) == 2000


def test_threads_share_a_producer(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.producer() as p:

        def send(name: int) -> None:
            for n in range(2000):
                p.send("orders", b"%d:%d" % (name, n))

        threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    got = [v for v in values(db) if v is not None]
    for name in range(4):
        mine = [v for v in got if v.startswith(b"%d:" % name)]
        assert mine == [b"%d:%d" % (name, n) for n in range(2000)]


def test_settings_have_kafkas_names(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.producer(config={"linger.ms": 1}, acks="1", enable_idempotence=False) as p:
        p.send("orders", b"").result(5)
    with pytest.raises(levada.InvalidError, match=r"linger\.ms"):
        db.producer(linger_mss=1)
    with pytest.raises(levada.InvalidError, match="twice"):
        db.producer(config={"linger.ms": 1}, linger_ms=1)


def test_a_closed_producer_refuses(db: levada.Database) -> None:
    db.create_topic("orders")
    p = db.producer()
    p.close()
    p.close()
    with pytest.raises(levada.ClosedError):
        p.send("orders", b"")
    with pytest.raises(levada.ClosedError):
        p.flush()


def test_what_was_not_delivered_is_raised_on_leaving(db: levada.Database) -> None:
    db.create_topic("orders")
    with pytest.raises(levada.NotFoundError, match="deleted"), db.producer(linger_ms=100_000) as p:
        p.send("orders", b"lost")
        db.delete_topic("orders")


@pytest.mark.parametrize("what", ["values", "keys"])
def test_objects_in_a_numpy_array_are_sent_and_not_their_addresses(
    db: levada.Database, what: str
) -> None:
    numpy = pytest.importorskip("numpy")
    db.create_topic("orders")
    objects = numpy.array([b"a", None, b"ccc"], dtype=object)
    with db.producer() as p:
        if what == "values":
            p.send_many("orders", objects)
        else:
            p.send_many("orders", [b"1", b"2", b"3"], keys=objects)
        # NumPy pads its byte strings with zeros: they are given as they went in.
        p.send_many("orders", numpy.array([b"a", b"bbb"]))
    with db.consumer("orders", start="earliest", idle_timeout=0) as c:
        rows = list(c)
    assert [r.value if what == "values" else r.key for r in rows[:3]] == [b"a", None, b"ccc"]
    assert [r.value for r in rows[3:]] == [b"a", b"bbb"]


def test_buffers_that_are_no_bytes_are_refused(db: levada.Database) -> None:
    numpy = pytest.importorskip("numpy")
    db.create_topic("orders")
    objects = numpy.array([b"a"], dtype=object)
    with db.producer() as p:
        for value in (objects, numpy.array(["a"]), numpy.array([b"a"]), numpy.zeros(2, "u1,f8")):
            with pytest.raises(TypeError, match="value is ndarray with items of format"):
                p.send("orders", value)
            with pytest.raises(TypeError, match="key is ndarray with items of format"):
                p.send("orders", b"", key=value)
        for values_ in (
            numpy.array(["a"]),
            numpy.array([[b"a"]], dtype=object),
            numpy.array([1, 2], dtype=object),
            numpy.zeros(2, "u1,f8"),
            bytearray(b"hello"),
        ):
            with pytest.raises(TypeError):
                p.send_many("orders", values_)
        p.send("orders", numpy.array([1, 2], dtype=">u2"))
    assert values(db) == [b"\0\1\0\2"]


def test_a_callback_is_called_with_its_delivery_and_may_send(db: levada.Database) -> None:
    db.create_topic("orders")
    db.create_topic("seen")
    with db.producer(linger_ms=0) as p:
        offsets = []

        def forward(delivery: levada.Delivery) -> None:
            place = delivery.result(timeout=0)
            offsets.append(place.offset)
            p.send("seen", str(place.offset).encode())

        for n in range(100):
            p.send("orders", str(n).encode()).add_done_callback(forward)
        p.flush(timeout=20)
        # What was delivered by the flush has had its callbacks.
        assert offsets == list(range(100))
    assert len(values(db, "seen")) == 100


def test_a_callback_of_what_is_delivered_already_is_called_too(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.producer(linger_ms=0) as p:
        d = p.send("orders", b"x")
        d.result(timeout=20)
        called = threading.Event()
        d.add_done_callback(lambda _: called.set())
        assert called.wait(20)
        with pytest.raises(TypeError, match="callable"):
            d.add_done_callback(None)  # type: ignore[arg-type]


def test_what_a_callback_raises_is_reported_and_stops_nothing(db: levada.Database) -> None:
    db.create_topic("orders")
    reported = []
    before, sys.unraisablehook = sys.unraisablehook, lambda r: reported.append(str(r.exc_value))
    try:
        with db.producer(linger_ms=0) as p:
            called = []
            p.send("orders", b"a").add_done_callback(lambda _: 1 / 0)
            p.send("orders", b"b").add_done_callback(called.append)
            p.flush(timeout=20)
            assert reported == ["division by zero"]
            assert [d.result().offset for d in called] == [1]
    finally:
        sys.unraisablehook = before
