"""Bad input and faults: each a clear error of the right kind, and nothing lost."""

from __future__ import annotations

import builtins
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import levada
import pytest


@pytest.mark.parametrize(
    ("name", "parents"),
    [
        ("InvalidError", (ValueError,)),
        ("NotFoundError", (LookupError,)),
        ("ExistsError", ()),
        ("OffsetOutOfRangeError", (LookupError,)),
        ("ConflictError", ()),
        ("FencedError", (levada.ConflictError,)),
        ("DeniedError", (PermissionError,)),
        ("UnavailableError", ()),
        ("TimeoutError", (builtins.TimeoutError,)),
        ("CorruptError", ()),
        ("ClosedError", ()),
        ("InternalError", ()),
    ],
)
def test_classes_have_the_parents_that_python_has(name: str, parents: tuple[type, ...]) -> None:
    found = getattr(levada, name)
    assert issubclass(found, (levada.Error,))
    assert all(issubclass(found, parent) for parent in parents)
    assert found.__module__ == "levada"


@dataclass
class Case:
    """A call that must fail, with what its error says."""

    name: str
    call: Callable[[levada.Database, levada.Producer], object]
    kind: type[Exception]
    code: int
    says: str


def at(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC)


CASES = [
    Case("empty name", lambda d, p: d.create_topic(""), levada.InvalidError, 17, "name"),
    Case("dots", lambda d, p: d.create_topic(".."), levada.InvalidError, 17, r"\.\."),
    Case("slash", lambda d, p: d.create_topic("a/b"), levada.InvalidError, 17, "a/b"),
    Case("long name", lambda d, p: d.create_topic("a" * 250), levada.InvalidError, 17, "249"),
    Case("collision", lambda d, p: d.create_topic("a_b"), levada.InvalidError, 17, r"a\.b"),
    Case("no partitions", lambda d, p: d.create_topic("x", 0), levada.InvalidError, 37, "0"),
    Case("exists", lambda d, p: d.create_topic("orders"), levada.ExistsError, 36, "orders"),
    Case("fewer", lambda d, p: d.topic("orders").set_partitions(1), levada.InvalidError, 37, "1"),
    Case(
        "unknown setting",
        lambda d, p: d.create_topic("x", config={"retention.mss": 1}),
        levada.InvalidError,
        40,
        r"retention\.ms",
    ),
    Case(
        "out of range",
        lambda d, p: d.create_topic("x", config={"segment.bytes": 1}),
        levada.InvalidError,
        40,
        r"segment\.bytes",
    ),
    Case(
        "no number",
        lambda d, p: d.create_topic("x", config={"retention.ms": "soon"}),
        levada.InvalidError,
        40,
        "soon",
    ),
    Case("unknown topic", lambda d, p: d.topic("none"), levada.NotFoundError, 3, "none"),
    Case("send to none", lambda d, p: p.send("none", b""), levada.NotFoundError, 3, "create"),
    Case("delete none", lambda d, p: d.delete_topic("none"), levada.NotFoundError, 3, "none"),
    Case(
        "no partition",
        lambda d, p: p.send("orders", b"", partition=2),
        levada.NotFoundError,
        3,
        "no partition 2",
    ),
    Case(
        "too large",
        lambda d, p: p.send("small", b"x" * 2000),
        levada.InvalidError,
        10,
        r"max\.message\.bytes",
    ),
    Case("no key", lambda d, p: p.send("last", b""), levada.InvalidError, 87, "key"),
    Case(
        "before 1970",
        lambda d, p: p.send("orders", b"", timestamp=at(1969)),
        levada.InvalidError,
        32,
        "1970",
    ),
    Case(
        "far ahead",
        lambda d, p: p.send("orders", b"", timestamp=at(2300)),
        levada.InvalidError,
        32,
        r"after\.max",
    ),
    Case(
        "codec",
        lambda d, p: d.producer(compression="brotli"),
        levada.InvalidError,
        40,
        "brotli",
    ),
    Case("timeout", lambda d, p: p.flush(-1), levada.InvalidError, 42, "-1"),
    Case("pattern", lambda d, p: d.consumer(pattern="("), levada.InvalidError, 128, "regular"),
    Case(
        "beyond the end",
        lambda d, p: d.topic("orders").delete_records({0: 5}),
        levada.OffsetOutOfRangeError,
        1,
        "5",
    ),
    Case("no group", lambda d, p: d.group("none").state, levada.NotFoundError, 69, "none"),
    Case(
        "reset beyond",
        lambda d, p: d.group("g").reset(to={("none", 0): 1}),
        levada.NotFoundError,
        3,
        "none",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_wrong_calls_are_told_apart(db: levada.Database, case: Case) -> None:
    db.create_topic("orders", 2)
    db.create_topic("a.b")
    db.create_topic("small", config={"max.message.bytes": 1000})
    db.create_topic("last", config={"cleanup.policy": "compact"})
    topics = [t.name for t in db.topics()]
    with db.producer() as p:
        with pytest.raises(case.kind, match=case.says) as caught:
            case.call(db, p)
        error = caught.value
        assert isinstance(error, levada.Error)
        assert (error.code, error.retriable) == (case.code, False)
        # Nothing was lost or made by it: the same objects go on.
        p.send("orders", b"after", partition=0).result(5)
    assert [t.name for t in db.topics()] == topics
    with db.consumer("orders", start="earliest", idle_timeout=0) as c:
        assert [r.value for r in c] == [b"after"]


@pytest.mark.parametrize(
    "call",
    [
        lambda d, p: d.create_topic(1),
        lambda d, p: d.create_topic("x", "many"),
        lambda d, p: d.create_topic("x", config={"retention.ms": object()}),
        lambda d, p: p.send("orders", "text"),
        lambda d, p: p.send("orders", 1),
        lambda d, p: p.send("orders", b"", key="text"),
        lambda d, p: p.send("orders", b"", headers=[("a",)]),
        lambda d, p: p.send("orders", b"", headers=[(1, b"")]),
        lambda d, p: p.send("orders", b"", headers=[("a", "text")]),
        lambda d, p: p.send("orders", b"", timestamp="now"),
        lambda d, p: p.send("orders", b"", partition="0"),
        lambda d, p: p.send_many("orders", 5),
        lambda d, p: d.consumer("orders", start=1.5),
        lambda d, p: levada.open(5),  # type: ignore[arg-type]
        lambda d, p: p.send("orders", b"", timestamp=1.5),
        lambda d, p: p.send("orders", b"", timestamp=True),
        lambda d, p: p.send("orders", b"", partition=True),
        lambda d, p: d.create_topic("x", config=[("retention.ms", 1)]),
        lambda d, p: d.consumer([1]),
        lambda d, p: d.consumer(b"orders"),
        lambda d, p: d.consumer("orders", start=timedelta(hours=1)),
        lambda d, p: d.consumer(partitions=[("orders",)]),
        lambda d, p: d.consumer(partitions=[("orders", "0")]),
        lambda d, p: d.consumer("orders", partitions=["0"]),
        lambda d, p: d.scan("orders", columns="offset"),
        lambda d, p: d.topic("orders").offsets_for_time("now"),
        lambda d, p: d.group("g").reset(to=1.5, topic="orders"),
        lambda d, p: reader(d).seek_to_time("now"),
        lambda d, p: reader(d).seek_to_time(timedelta(hours=1)),
        lambda d, p: reader(d).seek_to_time(1.5),
        lambda d, p: reader(d).seek(0, True),
        lambda d, p: reader(d).seek(0, "0"),
        lambda d, p: reader(d).seek(None, 0),
        lambda d, p: reader(d).commit("0"),
        lambda d, p: reader(d).commit({0: None}),
        lambda d, p: reader(d).poll("many"),
        lambda d, p: reader(d).poll(timeout="long"),
    ],
)
def test_wrong_types_are_type_errors(db: levada.Database, call: Callable[..., Any]) -> None:
    db.create_topic("orders")
    with db.producer() as p, pytest.raises(TypeError):
        call(db, p)


def reader(db: levada.Database) -> levada.Consumer:
    """Closed with its database."""
    return db.consumer(partitions=[("orders", 0)], group="g", start="earliest")


HUGE = 2**70


@pytest.mark.parametrize(
    "call",
    [
        lambda d, p: p.send("orders", b"", timestamp=HUGE),
        lambda d, p: p.send("orders", b"", timestamp=-1),
        lambda d, p: p.send("orders", b"", timestamp=datetime(2013, 1, 1)),
        lambda d, p: p.send("orders", b"", partition=HUGE),
        lambda d, p: p.send_many("orders", [b""], timestamps=[HUGE]),
        lambda d, p: p.send_many("orders", [b""], partition=2**40),
        lambda d, p: d.create_topic("x", HUGE),
        lambda d, p: d.topic("orders").set_partitions(2**40),
        lambda d, p: d.topic("orders").delete_records({0: HUGE}),
        lambda d, p: d.topic("orders").delete_records({2**40: 0}),
        lambda d, p: d.topic("orders").offsets_for_time(HUGE),
        lambda d, p: d.topic("orders").offsets_for_time(datetime(2013, 1, 1)),
        lambda d, p: d.topic("orders").archive(HUGE),
        lambda d, p: d.scan("orders", partitions=[HUGE]),
        lambda d, p: d.scan("orders", start=HUGE),
        lambda d, p: d.scan("orders", end=datetime(2013, 1, 1)),
        lambda d, p: d.consumer("orders", start=HUGE),
        lambda d, p: d.consumer("orders", start=datetime(2013, 1, 1)),
        lambda d, p: d.consumer(partitions=[("orders", HUGE)]),
        lambda d, p: d.group("g").reset(to=HUGE, topic="orders"),
        lambda d, p: reader(d).poll(max_records=-1),
        lambda d, p: reader(d).poll(max_records=HUGE),
        lambda d, p: reader(d).poll_arrow(max_bytes=-1),
        lambda d, p: reader(d).commit(HUGE),
        lambda d, p: reader(d).seek(0, HUGE),
        lambda d, p: reader(d).seek(HUGE, 0),
        lambda d, p: reader(d).seek_to_time(HUGE),
        lambda d, p: reader(d).seek_to_time(datetime(2013, 1, 1)),
        lambda d, p: levada.open(""),
        lambda d, p: levada.open("a\0b"),
        lambda d, p: levada.open(":memory:", archive_dir=""),
    ],
)
def test_values_out_of_range_are_invalid(db: levada.Database, call: Callable[..., Any]) -> None:
    db.create_topic("orders")
    with db.producer() as p, pytest.raises(levada.InvalidError):
        call(db, p)


def test_moments_of_other_centuries_are_times_like_others(db: levada.Database) -> None:
    topic = db.create_topic("orders", config={"message.timestamp.after.max.ms": 2**62})
    late = datetime(2300, 1, 1, 0, 0, 0, 123_999, tzinfo=UTC)
    with db.producer() as p:
        assert p.send("orders", b"", timestamp=at(1970)).result(5).timestamp == 0
        assert p.send("orders", b"", timestamp=late).result(5).timestamp == 10_413_792_000_123
    assert topic.offsets_for_time(at(1969)) == topic.offsets_for_time(at(1970)) == {0: 0}
    assert topic.offsets_for_time(at(2299)) == {0: 1}
    assert topic.offsets_for_time(at(2301)) == {0: None}
    with reader(db) as c:
        c.seek_to_time(at(2299))
        assert [r.datetime for r in c.poll()] == [late.replace(microsecond=123_000)]
        c.seek_to_time(at(1969))
        assert c.poll()[0].offset == 0


def test_numpys_integers_are_ints(db: levada.Database) -> None:
    numpy = pytest.importorskip("numpy")
    topic = db.create_topic("orders", 2)
    one = numpy.int32(1)
    with db.producer() as p:
        p.send("orders", b"", timestamp=numpy.int64(1000), partition=one)
    with db.consumer(partitions=[("orders", one)], start={("orders", one): numpy.int64(0)}) as c:
        assert [r.timestamp for r in c.poll()] == [1000]
        c.seek(one, one)
        assert c.position(one) == 1
    assert topic.offsets_for_time(numpy.int64(0)) == {0: None, 1: 0}


def test_a_path_may_be_bytes(tmp_path: Path) -> None:
    with levada.open(os.fsencode(tmp_path / "data")) as db:  # type: ignore[arg-type]
        assert db.path == str(tmp_path / "data")


def test_a_moment_in_the_past_of_people_is_fine(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.producer() as p:
        assert p.send("orders", b"", timestamp=0).result(5).timestamp == 0
        assert p.send("orders", b"", timestamp=at(1970)).result(5).offset == 1


def test_a_directory_is_opened_once(data: Path) -> None:
    with levada.open(data), pytest.raises(levada.ConflictError, match=str(os.getpid())):
        levada.open(data)
    with levada.open(data):
        code = "import levada, sys\ntry: levada.open(sys.argv[1])\n"
        code += "except levada.ConflictError as e: print(e)"
        said = subprocess.run(
            [sys.executable, "-c", code, str(data)], capture_output=True, text=True, timeout=60
        )
        assert str(os.getpid()) in said.stdout


def test_a_directory_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"jpeg")
    with pytest.raises(levada.InvalidError):
        levada.open(tmp_path)
    assert [f.name for f in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(levada.Error, match="file"):
        levada.open(file)


def test_a_newer_format_is_refused(data: Path) -> None:
    levada.open(data).close()
    meta = data / "meta.properties"
    meta.write_text(re.sub(r"(levada\.format)=\d+", r"\1=99", meta.read_text()))
    with pytest.raises(levada.InvalidError, match="99"):
        levada.open(data)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory_is_denied(data: Path) -> None:
    levada.open(data).close()
    data.chmod(0o500)
    try:
        with pytest.raises(levada.DeniedError):
            levada.open(data)
    finally:
        data.chmod(0o700)


def fill(data: Path, records: int = 1000) -> Path:
    with levada.open(data) as db:
        db.create_topic("orders")
        with db.producer(batch_size=1000) as p:
            p.send_many("orders", [b"%d" % n for n in range(records)])
    return data / "orders-0" / f"{0:020}.log"


def test_a_damaged_record_is_reported_where_it_lies(data: Path) -> None:
    log = fill(data)
    damaged = bytearray(log.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    log.write_bytes(damaged)
    with levada.open(data) as db:
        with db.consumer("orders", start="earliest", idle_timeout=0) as c:
            got: list[levada.Record] = []
            with pytest.raises(levada.CorruptError, match="orders-0"):
                for r in c:
                    got.append(r)
        # What lies before the damage stays readable, and the rest can be written.
        assert [r.value for r in got] == [b"%d" % n for n in range(len(got))]
        with db.producer() as p:
            assert p.send("orders", b"on").result(5).offset == 1000


def test_missing_indexes_are_made_anew(data: Path) -> None:
    log = fill(data)
    for name in ("index", "timeindex"):
        log.with_suffix(f".{name}").unlink(missing_ok=True)
    with (
        levada.open(data) as db,
        db.consumer(partitions=[("orders", 0)], start=700, idle_timeout=0) as c,
    ):
        assert [r.offset for r in c] == list(range(700, 1000))


def test_a_torn_tail_is_cut_and_told(data: Path) -> None:
    code = """
import levada, os, sys
db = levada.open(sys.argv[1])
db.create_topic("orders")
p = db.producer()
p.send_many("orders", [b"%d" % n for n in range(100)]).result()
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code, str(data)], check=True, timeout=60)
    log = data / "orders-0" / f"{0:020}.log"
    with log.open("ab") as file:
        file.write(b"\0" * 100)
    with levada.open(data) as db:
        assert [(r.partition, r.cut_bytes) for r in db.recovery()] == [("orders-0", 100)]
        with db.consumer("orders", start="earliest", idle_timeout=0) as c:
            assert len(list(c)) == 100


def test_everything_is_closed_after_close() -> None:
    db = levada.open(":memory:")
    topic = db.create_topic("orders")
    p, c = db.producer(), db.consumer("orders")
    group = db.group("g")
    db.close()
    db.close()
    assert db.closed and p.closed and c.closed
    calls: list[Callable[[], object]] = [
        db.topics,
        topic.describe,
        group.offsets,
        lambda: db.create_topic("x"),
        lambda: p.send("orders", b""),
        c.poll,
        db.producer,
    ]
    for call in calls:
        with pytest.raises(levada.ClosedError):
            call()


def test_errors_of_late_answers_may_be_retried(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.producer(linger_ms=100_000) as p:
        d = p.send("orders", b"")
        with pytest.raises(levada.TimeoutError) as caught:
            d.result(timeout=0)
        assert caught.value.retriable
        p.flush()
        assert d.result(timeout=0).offset == 0
