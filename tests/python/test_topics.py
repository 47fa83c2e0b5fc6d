"""Topics and settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import levada
import pytest


def test_settings_take_durations_lists_and_numbers(db: levada.Database) -> None:
    topic = db.create_topic(
        "orders",
        4,
        {
            "retention.ms": timedelta(days=7),
            "cleanup.policy": ["compact", "delete"],
            "min.cleanable.dirty.ratio": 0.25,
            "segment.bytes": 1 << 20,
            "preallocate": False,
        },
    )
    assert topic.partitions == 4
    config = topic.config()
    assert config["retention.ms"] == str(7 * 86_400_000)
    assert config["cleanup.policy"] == "compact,delete"
    assert config["min.cleanable.dirty.ratio"] == "0.25"
    assert "retention.bytes" not in config
    assert topic.config(all=True)["retention.bytes"] == "-1"


def test_alter_changes_and_gives_back(db: levada.Database) -> None:
    topic = db.create_topic("orders")
    topic.alter({"retention.ms": 1000})
    assert topic.config() == {"retention.ms": "1000"}
    topic.alter({"retention.ms": None})
    assert topic.config() == {}
    with pytest.raises(levada.InvalidError):
        topic.alter({"retention.ms": 1, "retention.mss": 1})
    assert topic.config() == {}


def test_exist_ok_gives_the_topic_that_is_there(db: levada.Database) -> None:
    first = db.create_topic("orders", 3)
    assert db.create_topic("orders", 1, exist_ok=True) == first
    assert db.topic("orders").partitions == 3
    with pytest.raises(levada.ExistsError):
        db.create_topic("orders")


def test_topics_are_listed_by_name_without_internal_ones(db: levada.Database) -> None:
    for name in ("b", "a"):
        db.create_topic(name)
    with db.consumer("a", group="g", start="earliest") as c:
        c.poll(timeout=0)
        c.commit({0: 0})
    assert [t.name for t in db.topics()] == ["a", "b"]
    assert "__consumer_offsets" in [t.name for t in db.topics(internal=True)]


def test_a_topic_made_again_has_another_id(db: levada.Database) -> None:
    before = db.create_topic("orders").id
    db.topic("orders").delete()
    with pytest.raises(levada.NotFoundError):
        db.topic("orders")
    assert db.create_topic("orders").id != before


def test_describe_tells_where_partitions_begin_and_end(db: levada.Database) -> None:
    topic = db.create_topic("orders", 2)
    with db.producer() as p:
        p.send_many("orders", [b"1", b"2", b"3"], partition=1)
    described = topic.describe()
    assert [(p.start, p.end) for p in described.partitions] == [(0, 0), (0, 3)]
    assert described.partitions[1].size_bytes > 0
    assert abs(described.created - datetime.now(UTC)) < timedelta(minutes=1)
    assert topic.delete_records({1: 2}) == {1: 2}
    assert topic.offsets() == {0: (0, 0), 1: (2, 3)}
    topic.set_partitions(3)
    assert topic.partitions == 3


def test_offsets_for_time(db: levada.Database) -> None:
    topic = db.create_topic("orders")
    with db.producer() as p:
        for hour in range(3):
            p.send("orders", b"", timestamp=datetime(2013, 1, 1, hour, tzinfo=UTC))
    assert topic.offsets_for_time(datetime(2013, 1, 1, 0, 30, tzinfo=UTC)) == {0: 1}
    assert topic.offsets_for_time(datetime(2014, 1, 1, tzinfo=UTC)) == {0: None}


def test_a_directory_keeps_what_was_made_in_it(data: Path) -> None:
    with levada.open(data) as db, db.producer() as p:
        db.create_topic("orders", 2, {"retention.ms": -1})
        p.send("orders", b"tea", partition=1)
    with levada.open(data) as db:
        assert db.topic("orders").config() == {"retention.ms": "-1"}
        with db.consumer("orders", start="earliest", idle_timeout=0) as c:
            assert [(r.partition, r.value) for r in c] == [(1, b"tea")]
        assert db.recovery() == []


def test_jobs_run_and_report(db: levada.Database) -> None:
    db.run("compact")
    assert {r.name: r.runs for r in db.jobs()}["compact"] >= 1
    with pytest.raises(levada.InvalidError):
        db.run("wash")


def test_everything_shows_itself(db: levada.Database) -> None:
    topic = db.create_topic("orders")
    with db.producer() as p, db.consumer("orders", group="g") as c:
        d = p.send("orders", b"x")
        shown = [
            repr(o) for o in (db, topic, p, c, d, d.result(5), db.group("g"), c.poll(timeout=0))
        ]
    assert all("levada" in s or s.startswith("RecordMetadata(") for s in shown), shown


def test_settings_that_count_are_those_of_the_engine_where_the_topic_sets_none() -> None:
    with levada.open(":memory:", config={"log.retention.ms": 1000}) as db:
        topic = db.create_topic("orders")
        assert topic.config(all=True)["retention.ms"] == "1000"
        assert topic.config() == {}


def test_the_engines_own_topics_cannot_be_deleted(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.consumer("orders", group="g", start="earliest") as c:
        c.poll(timeout=0)
        c.commit({0: 0})
    with pytest.raises(levada.InvalidError, match="__consumer_offsets") as caught:
        db.delete_topic("__consumer_offsets")
    assert caught.value.code == 42
    assert db.group("g").offsets() == {("orders", 0): 0}


def test_durations_count_in_the_unit_of_the_setting() -> None:
    week = timedelta(days=7)
    levada.open(":memory:", config={"offsets.retention.minutes": week}).close()
    with levada.open(":memory:", config={"log.retention.hours": week}) as db:
        topic = db.create_topic("orders")
        assert topic.config(all=True)["retention.ms"] == str(7 * 86_400_000)
        for wrong in ({"retention.bytes": week}, {"cleanup.policy": week}):
            with pytest.raises(levada.InvalidError, match="is no duration"):
                topic.alter(wrong)
    with pytest.raises(levada.InvalidError, match="whole hours"):
        levada.open(":memory:", config={"log.retention.hours": timedelta(minutes=90)})
