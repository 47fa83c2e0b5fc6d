"""Reading."""

from __future__ import annotations

import copy
import pickle
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import levada
import pytest


@pytest.fixture
def orders(db: levada.Database) -> levada.Database:
    db.create_topic("orders", 2)
    with db.producer() as p:
        for n in range(100):
            p.send("orders", b"%d" % n, timestamp=1000 * n, partition=n % 2)
    return db


def test_polls_are_sequences_decoded_when_touched(orders: levada.Database) -> None:
    with orders.consumer("orders", start="earliest") as c:
        records = c.poll(max_records=60)
        more = c.poll(max_records=500)
        rest = [r for _ in range(9) for r in c.poll(timeout=0)]
    assert len(records) <= 60
    got = [*records, *more, *rest]
    assert sorted(int(r.value or b"") for r in got) == list(range(100))
    assert records[0] == next(iter(records))
    assert records[-1] == records[len(records) - 1]
    assert records[1:3] == [records[1], records[2]]
    assert records[::-1] == list(records)[::-1]
    with pytest.raises(IndexError):
        records[len(records)]
    assert hash(records[0]) == hash(records[0:1][0])
    assert records[0] != records[1]
    assert "value=b'" in repr(records[0])


def test_iteration_ends_when_idle_and_goes_on(orders: levada.Database) -> None:
    with orders.consumer("orders", start="earliest", idle_timeout=0) as c:
        assert len(list(c)) == 100
        with orders.producer() as p:
            p.send("orders", b"late")
        assert [r.value for r in c] == [b"late"]


def test_positions_and_commits_count_what_was_handed_out(orders: levada.Database) -> None:
    with orders.consumer(
        "orders", group="g", start="earliest", auto_commit=False, idle_timeout=0
    ) as c:
        for _, record in zip(range(10), c, strict=False):
            last = record
        assert c.position((last.topic, last.partition)) == last.offset + 1
        assert sum(c.lag().values()) == 90
        c.commit()
        assert sum(orders.group("g").offsets().values()) == 10
        assert sum(1 for _ in c) == 90


def test_close_commits_what_was_handed_out(orders: levada.Database) -> None:
    with orders.consumer("orders", group="g", start="earliest", idle_timeout=0) as c:
        for _ in zip(range(10), c, strict=False):
            pass
    assert sum(orders.group("g").offsets().values()) == 10
    with orders.consumer("orders", group="g", start="earliest", idle_timeout=0) as c:
        assert sum(1 for _ in c) == 90


def test_seeking(orders: levada.Database) -> None:
    with orders.consumer(partitions=[("orders", 0)], start="earliest", idle_timeout=0) as c:
        c.seek(0, 40)
        assert [r.offset for r in c] == list(range(40, 50))
        c.seek_to_time(datetime(1970, 1, 1, 0, 1, 30, tzinfo=UTC))
        assert [r.timestamp for r in c] == [90_000, 92_000, 94_000, 96_000, 98_000]
        c.seek_to_beginning()
        next(c)
        assert c.position(0) == 1
        c.seek_to_end()
        assert list(c) == []
        assert c.bounds(0) == (0, 50)
        with pytest.raises(levada.OffsetOutOfRangeError):
            c.seek(0, 51)
        with pytest.raises(levada.NotFoundError):
            c.seek(("orders", 1), 0)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("earliest", 50),
        ("latest", 0),
        (48, 2),
        ({0: 45}, 5),
        (datetime(1970, 1, 1, 0, 1, 30, tzinfo=UTC), 5),
    ],
)
def test_where_to_start(orders: levada.Database, start: levada.Start, expected: int) -> None:
    with orders.consumer("orders", partitions=[0], start=start, idle_timeout=0) as c:
        assert len(list(c)) == expected


def test_paused_partitions_give_nothing(orders: levada.Database) -> None:
    with orders.consumer("orders", start="earliest", idle_timeout=0) as c:
        c.poll(max_records=1)
        c.pause(("orders", 0))
        assert c.paused() == [("orders", 0)]
        assert {r.partition for r in c} == {1}
        c.resume()
        assert {r.partition for r in c} == {0}


def test_a_group_shares_partitions_and_takes_over(orders: levada.Database) -> None:
    first = orders.consumer("orders", group="g", start="earliest", auto_commit=False)
    second = orders.consumer("orders", group="g", start="earliest", auto_commit=False)
    deadline = time.monotonic() + 20
    while not (len(first.assignment()) == 1 and len(second.assignment()) == 1):
        first.poll(timeout=0.01)
        second.poll(timeout=0.01)
        assert time.monotonic() < deadline
    assert first.assignment() != second.assignment()
    group = orders.group("g")
    assert sorted(p for m in group.members for p in m.assignment) == [("orders", 0), ("orders", 1)]
    assert [g.id for g in orders.groups()] == ["g"]
    first.close()
    while len(second.assignment()) < 2:
        second.poll(timeout=0.01)
        assert time.monotonic() < deadline
    with pytest.raises(levada.ConflictError):
        group.reset(to="earliest", topic="orders")
    second.close()
    group.reset(to="latest", topic="orders")
    assert group.offsets() == {("orders", 0): 50, ("orders", 1): 50}
    assert group.lag() == {("orders", 0): 0, ("orders", 1): 0}
    group.reset(to={("orders", 0): 7})
    assert group.offsets()["orders", 0] == 7
    group.reset(to=datetime(1970, 1, 1, 0, 1, 30, tzinfo=UTC))
    assert group.offsets()["orders", 0] == 45
    group.delete()
    assert orders.groups() == []


def test_patterns_find_topics_made_later(db: levada.Database) -> None:
    with db.consumer(pattern="or.*", start="earliest", idle_timeout=0) as c, db.producer() as p:
        assert list(c) == []
        db.create_topic("orders")
        db.create_topic("other")
        db.create_topic("xor")
        for topic in ("orders", "other", "xor"):
            p.send(topic, topic.encode())
        p.flush()
        assert {r.value for r in c} == {b"orders"}


def test_commits_by_hand(orders: levada.Database) -> None:
    with orders.consumer("orders", group="g", auto_commit=False) as c:
        c.poll(timeout=0)
        c.commit({("orders", 0): 5})
        ticket = c.commit({("orders", 1): 6}, asynchronous=True)
        assert ticket is not None
        ticket.result()
        assert ticket.done()
        assert (c.committed(("orders", 0)), c.committed(("orders", 1))) == (5, 6)
    with orders.consumer("orders") as c, pytest.raises(levada.InvalidError, match="group"):
        c.commit()


def test_a_poll_waits_for_the_record_that_comes(db: levada.Database) -> None:
    db.create_topic("orders")
    got: list[bytes | None] = []
    with db.consumer("orders", start="earliest") as c:
        c.poll(timeout=0)
        thread = threading.Thread(target=lambda: got.extend(r.value for r in c.poll(timeout=30)))
        thread.start()
        with db.producer(linger_ms=0) as p:
            p.send("orders", b"now")
        thread.join(30)
    assert got == [b"now"]


def test_wakeup_ends_a_wait_from_another_thread(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.consumer("orders") as c:
        results: list[int] = []
        thread = threading.Thread(target=lambda: results.append(len(list(c))))
        thread.start()
        while not results:
            c.wakeup()
            thread.join(0.01)
        assert results == [0]


def test_two_threads_at_once_are_refused(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.consumer("orders") as c:
        thread = threading.Thread(target=lambda: c.poll(timeout=None))
        thread.start()
        deadline = time.monotonic() + 20
        with pytest.raises(levada.ConflictError, match="thread"):
            while time.monotonic() < deadline:
                c.assignment()
        c.wakeup()
        thread.join(20)
        assert not thread.is_alive()
        c.assignment()


def test_a_closed_consumer_refuses(db: levada.Database) -> None:
    db.create_topic("orders")
    c = db.consumer("orders")
    c.close()
    c.close()
    with pytest.raises(levada.ClosedError):
        c.poll()


def test_settings_are_checked(db: levada.Database) -> None:
    with pytest.raises(levada.InvalidError, match=r"max\.poll\.records"):
        db.consumer("orders", max_poll_records=0)
    with pytest.raises(levada.InvalidError):
        db.consumer("orders", auto_commit=True)
    with pytest.raises(levada.InvalidError, match="which topic"):
        db.consumer("a", "b", partitions=[0])
    with pytest.raises(levada.InvalidError, match="subscribe"):
        db.consumer().poll()


def test_records_go_through_pickle_and_copy(orders: levada.Database) -> None:
    with orders.producer() as p:
        odd = b"\xff".decode("utf-8", "surrogateescape")
        p.send("orders", None, key=b"k", headers=[("h", b"1"), (odd, None)], partition=0)
    with orders.consumer("orders", start="earliest", idle_timeout=0) as c:
        records = list(c)
    for record in records:
        again = pickle.loads(pickle.dumps(record))
        assert again == record and hash(again) == hash(record) and repr(again) == repr(record)
        assert (again.headers, again.datetime) == (record.headers, record.datetime)
        assert copy.copy(record) is record and copy.deepcopy([record])[0] is record
        assert again != pickle.loads(pickle.dumps(records[records.index(record) - 1]))
    match records[0]:
        case levada.Record("orders", partition, 0, timestamp):
            assert (partition, timestamp) == (records[0].partition, records[0].timestamp)
        case _:
            raise AssertionError(records[0])
    with pytest.raises(levada.InvalidError, match="-1"):
        levada.Record("orders", 0, -1, 0)


def test_records_are_a_sequence(orders: levada.Database) -> None:
    with orders.consumer("orders", start="earliest") as c:
        records = c.poll(max_records=10)
    assert isinstance(records, Sequence) and isinstance(records[1:3], Sequence)
    assert records.index(records[3]) == 3
    assert records.index(records[-1], -1) == len(records) - 1
    assert records.count(records[0]) == 1 and records.count(b"other") == 0
    assert records[2] in records and b"other" not in records
    assert list(reversed(records)) == records[::-1]
    with pytest.raises(ValueError):
        records.index(records[0], 1)
    assert list(pickle.loads(pickle.dumps(records))) == list(records)
    assert list(levada.Records(records[2:4])) == records[2:4]
    match records:
        case [first, *_]:
            assert first == records[0]


def test_a_time_beyond_all_calendars_is_said_clearly() -> None:
    record = levada.Record("orders", 0, 0, 2**60)
    with pytest.raises(levada.InvalidError, match="beyond"):
        print(record.datetime)
