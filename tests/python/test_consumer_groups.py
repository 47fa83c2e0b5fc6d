"""What a consumer promises when not everything goes well."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import levada
import levada.aio
import pytest


@pytest.fixture
def orders(db: levada.Database) -> levada.Database:
    db.create_topic("orders", 2)
    with db.producer() as p:
        for n in range(100):
            p.send("orders", b"%d" % n, timestamp=1000 * n, partition=n % 2)
    return db


def offsets(db: levada.Database, group: str = "g") -> dict[tuple[str, int], int]:
    return db.group(group).offsets()


def test_a_partition_that_cannot_be_opened_leaves_the_offsets_of_the_others(data: Path) -> None:
    with levada.open(data) as db:
        db.create_topic("t", 2)
        with db.producer() as p:
            for n in range(100):
                p.send("t", b"%d" % n, partition=n % 2)
        db.group("g").reset({1: 5}, topic="t")
    log = next((data / "t-0").glob("*.log"))
    log.unlink()
    log.mkdir()
    with levada.open(data) as db:
        c = db.consumer("t", group="g", auto_commit_interval_ms=0)
        got, failed = [], 0
        for _ in range(6):
            try:
                got += [(r.partition, r.offset) for r in c.poll(timeout=0)]
            except levada.Error:
                failed += 1
        assert got == [(1, n) for n in range(5, 50)]
        assert failed > 0
        c.close()
        assert offsets(db) == {("t", 1): 50}


def test_a_topic_made_again_is_read_whole(db: levada.Database) -> None:
    db.create_topic("t")
    with db.producer() as p:
        p.send_many("t", [b"old"] * 100)
    with db.consumer("t", group="g", start="earliest") as c:
        assert len(c.poll()) == 100
        db.delete_topic("t")
        db.create_topic("t")
        with db.producer() as p:
            p.send_many("t", [b"new"] * 150)
        got = [r.offset for _ in range(8) for r in c.poll(timeout=0.1)]
        assert got == list(range(150))
    assert offsets(db) == {("t", 0): 150}


def test_a_record_of_a_topic_that_is_gone_commits_nothing(db: levada.Database) -> None:
    db.create_topic("t")
    with db.producer() as p:
        p.send_many("t", [b"old"] * 10)
    with db.consumer("t", group="g", start="earliest", auto_commit=False) as c:
        record = next(c)
        c.commit(record)
        assert offsets(db) == {("t", 0): 1}
        db.delete_topic("t")
        db.create_topic("t")
        c.poll(timeout=0)
        with pytest.raises(levada.NotFoundError, match="gone"):
            c.commit(record)
        assert offsets(db) == {}


def test_a_topic_of_a_subscription_may_go(db: levada.Database) -> None:
    db.create_topic("a")
    db.create_topic("b")
    with db.producer() as p:
        p.send_many("a", [b"x"] * 5)
        p.send_many("b", [b"x"] * 5)
    with db.consumer(pattern="[ab]", group="g", start="earliest") as c:
        assert sum(len(c.poll(timeout=0.1)) for _ in range(4)) == 10
        db.delete_topic("a")
        with db.producer() as p:
            p.send_many("b", [b"x"] * 5)
        assert sum(len(c.poll(timeout=0.1)) for _ in range(4)) == 5
        assert c.assignment() == [("b", 0)]
        c.commit()
    assert offsets(db) == {("b", 0): 10}


@pytest.mark.parametrize("start", [-1, 2, 100, {0: 3}])
def test_a_start_outside_of_the_log_is_an_error(db: levada.Database, start: levada.Start) -> None:
    topic = db.create_topic("t")
    with db.producer() as p:
        p.send_many("t", [b"x"] * 10)
    topic.delete_records({0: 5})
    with db.consumer("t", start=start) as c:
        with pytest.raises(levada.OffsetOutOfRangeError, match="5 to 10"):
            c.poll(timeout=0)
        c.seek(0, 7)
        assert [r.offset for r in c.poll()] == [7, 8, 9]


def test_a_start_in_what_is_not_read_is_an_error(orders: levada.Database) -> None:
    for start in ({9: 1}, {("other", 0): 1}):
        with pytest.raises(levada.NotFoundError, match="not among"):
            orders.consumer("orders", start=start)
    with pytest.raises(levada.NotFoundError, match="not among"):
        orders.consumer("orders", partitions=[0], start={1: 1})


def test_a_partition_given_twice_is_read_once(orders: levada.Database) -> None:
    twice = [("orders", 0), ("orders", 0)]
    with orders.consumer(partitions=twice, start="earliest", idle_timeout=0) as c:
        assert c.assignment() == [("orders", 0)]
        assert len(list(c)) == 50


@pytest.mark.parametrize("group", [None, "g"])
def test_seeks_and_pauses_before_the_first_poll_count(
    orders: levada.Database, group: str | None
) -> None:
    def reader() -> levada.Consumer:
        auto_commit = None if group is None else False
        return orders.consumer("orders", group=group, auto_commit=auto_commit, idle_timeout=0)

    with reader() as c:
        c.seek_to_beginning()
        assert len(list(c)) == 100
    with reader() as c:
        c.seek(("orders", 1), 45)
        assert [r.offset for r in c] == [45, 46, 47, 48, 49]
    with reader() as c:
        c.seek_to_time(90_000)
        c.pause(0)
        assert {(r.partition, r.offset) for r in c} == {(1, n) for n in range(45, 50)}
        c.resume()
        assert {(r.partition, r.offset) for r in c} == {(0, n) for n in range(45, 50)}
    with reader() as c:
        c.seek_to_beginning()
        c.pause()
        assert list(c) == []
        c.resume()
        assert len(list(c)) == 100


def test_iterating_is_a_sign_of_life_and_commits_by_itself(orders: levada.Database) -> None:
    with orders.consumer(
        "orders",
        group="g",
        start="earliest",
        max_poll_interval_ms=500,
        auto_commit_interval_ms=100,
    ) as c:
        for n, _ in enumerate(c):
            time.sleep(0.05)
            committed = sum(offsets(orders).values())
            assert committed <= n
            if n == 30:
                break
        assert committed > 20
        assert len(orders.group("g").members) == 1
        c.commit()
    assert sum(offsets(orders).values()) == 31


def test_who_was_put_out_hears_it_once_and_closes_cleanly(orders: levada.Database) -> None:
    def put_out() -> levada.Consumer:
        orders.group("g").reset(to="earliest", topic="orders")
        c = orders.consumer("orders", group="g", start="earliest", max_poll_interval_ms=200)
        next(c)
        deadline = time.monotonic() + 20
        while orders.group("g").members:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return c

    with put_out() as c:
        with pytest.raises(levada.ConflictError, match=r"max\.poll\.interval\.ms"):
            next(c)
        first = next(c)
        assert first.offset == 0
        c.commit(first)
    with put_out() as c:
        with pytest.raises(levada.ConflictError, match=r"max\.poll\.interval\.ms"):
            c.commit()
        assert len(c.poll()) > 0
    with put_out():
        pass
    assert set(offsets(orders).values()) == {0}


def test_leaving_by_an_exception_commits_all_but_the_last(orders: levada.Database) -> None:
    one = [("orders", 0)]

    def fail_at(c: levada.Consumer, offset: int) -> None:
        for record in c:
            if record.offset == offset:
                raise ValueError(offset)

    with (
        pytest.raises(ValueError, match="3"),
        orders.consumer(partitions=one, group="g", start="earliest") as c,
    ):
        fail_at(c, 3)
    assert offsets(orders) == {("orders", 0): 3}
    with (
        pytest.raises(ValueError, match="7"),
        orders.consumer(partitions=one, group="g", start="earliest") as c,
    ):
        first = c.poll(max_records=2)
        assert [r.offset for r in first] == [3, 4]
        c.poll(max_records=5)
        raise ValueError(7)
    assert offsets(orders) == {("orders", 0): 5}


def test_a_database_left_by_an_exception_commits_all_but_the_last(data: Path) -> None:
    with pytest.raises(ValueError, match="2"), levada.open(data) as db:
        db.create_topic("t")
        with db.producer() as p:
            p.send_many("t", [b"x"] * 10)
        c = db.consumer("t", group="g", start="earliest")
        for record in c:
            if record.offset == 2:
                raise ValueError(2)
    with levada.open(data) as db:
        assert offsets(db) == {("t", 0): 2}


def test_a_record_can_be_committed(orders: levada.Database) -> None:
    with orders.consumer("orders", group="g", start="earliest", auto_commit=False) as c:
        records = c.poll()
        c.commit(records[4])
        place = (records[4].topic, records[4].partition)
        assert offsets(orders) == {place: records[4].offset + 1}
        ticket = c.commit(records[6], asynchronous=True)
        assert ticket is not None
        ticket.result(timeout=10)
        assert offsets(orders) == {place: records[6].offset + 1}


def test_topics_are_given_as_names_lists_or_a_pattern(db: levada.Database) -> None:
    for name in ("orders", "Order2", "other"):
        db.create_topic(name)

    def topics(c: levada.Consumer) -> set[str]:
        return {topic for topic, _ in c.assignment()}

    with db.consumer(["orders", "other"]) as c:
        assert topics(c) == {"orders", "other"}
        c.subscribe(["orders"])
        assert topics(c) == {"orders"}
        c.subscribe(re.compile("[oO]rd.*"))
        assert topics(c) == {"orders", "Order2"}
        c.subscribe(pattern="o.*")
        assert topics(c) == {"orders", "other"}
        with pytest.raises(levada.InvalidError, match="alone"):
            c.subscribe("orders", pattern="o.*")
        with pytest.raises(levada.InvalidError, match="IGNORECASE"):
            c.subscribe(re.compile("o.*", re.IGNORECASE))
        with pytest.raises(TypeError):
            c.subscribe([1])  # type: ignore[list-item]
    with db.consumer(re.compile("o.*e.*")) as c:
        assert topics(c) == {"orders", "other"}


def test_listeners_hear_what_comes_and_goes(orders: levada.Database) -> None:
    heard: list[tuple[str, list[tuple[str, int]]]] = []

    def on_assigned(c: levada.Consumer, partitions: list[tuple[str, int]]) -> None:
        heard.append(("assigned", partitions))
        for partition in partitions:
            c.seek(partition, 40)

    def on_revoked(c: levada.Consumer, partitions: list[tuple[str, int]]) -> None:
        heard.append(("revoked", partitions))
        c.commit()

    both = [("orders", 0), ("orders", 1)]
    with orders.consumer(
        "orders",
        group="g",
        auto_commit=False,
        idle_timeout=0,
        on_assigned=on_assigned,
        on_revoked=on_revoked,
    ) as c:
        assert len(list(c)) == 20
        assert heard == [("assigned", both)]
        with orders.consumer("orders", group="g", auto_commit=False) as other:
            deadline = time.monotonic() + 20
            while not other.assignment():
                assert time.monotonic() < deadline
                other.poll(timeout=0.01)
                c.poll(timeout=0.01)
        assert heard[1] == ("revoked", other_had := heard[1][1])
        assert len(other_had) == 1
    assert heard[-1][0] == "revoked"
    assert offsets(orders) == dict.fromkeys(both, 50)


def test_what_a_listener_raises_comes_out_of_the_poll(orders: levada.Database) -> None:
    class Refusal(Exception):
        pass

    def refuse(c: levada.Consumer, partitions: list[tuple[str, int]]) -> None:
        with pytest.raises(levada.ConflictError, match="listener"):
            c.poll()
        raise Refusal

    with orders.consumer("orders", group="g", start="earliest", on_assigned=refuse) as c:
        with pytest.raises(Refusal):
            c.poll()
        assert len(c.poll()) > 0
    with pytest.raises(levada.InvalidError, match="group"):
        orders.consumer("orders", on_assigned=refuse)


def test_an_event_loop_has_listeners_too_and_commits_while_it_iterates() -> None:
    heard: list[str] = []

    def on_assigned(c: levada.Consumer, partitions: list[tuple[str, int]]) -> None:
        heard.append("assigned")
        c.seek(partitions[0], 3)

    def on_revoked(c: levada.Consumer, partitions: list[tuple[str, int]]) -> None:
        heard.append("revoked")
        assert c.position(partitions[0]) == 6

    async def main() -> None:
        async with levada.aio.open(":memory:") as db:
            await db.create_topic("t")
            async with db.producer() as p:
                await p.send_many("t", [b"x"] * 10)
            async with db.consumer(
                "t",
                group="g",
                auto_commit_interval_ms=0,
                on_assigned=on_assigned,
                on_revoked=on_revoked,
            ) as c:
                assert [(await anext(c)).offset for _ in range(3)] == [3, 4, 5]
                assert await db.group("g").offsets() == {("t", 0): 5}
            assert await db.group("g").offsets() == {("t", 0): 6}

    asyncio.run(main())
    assert heard == ["assigned", "revoked"]


def test_a_database_that_closes_ends_a_wait_in_an_event_loop(tmp_path: Path) -> None:
    async def main(n: int) -> None:
        db = await levada.aio.open(tmp_path / str(n))
        await db.create_topic("t")
        async with db.producer() as p:
            await p.send_many("t", [b"x"] * 10)
        c = db.consumer("t", group="g", start="earliest")
        # Closing commits, and so takes a while in which the waiter looks again.
        assert len(await c.poll()) == 10
        polls = asyncio.ensure_future(c.poll(timeout=30))
        iterates = asyncio.ensure_future(anext(db.consumer("t")))
        await asyncio.sleep(0.05)
        await db.close()
        for waiter in (polls, iterates):
            with pytest.raises(levada.ClosedError):
                await asyncio.wait_for(waiter, 20)

    for n in range(10):
        asyncio.run(main(n))


def test_groups_are_reset_with_and_without_commits(orders: levada.Database) -> None:
    orders.create_topic("empty")
    with pytest.raises(levada.InvalidError, match="empty"):
        orders.group("")
    group = orders.group("g")
    for to in ("earliest", "latest"):
        with pytest.raises(levada.NotFoundError, match="name a topic"):
            group.reset(to=to)  # type: ignore[arg-type]
    group.reset(to="latest", topic=["orders", "empty"])
    assert offsets(orders) == {("orders", 0): 50, ("orders", 1): 50, ("empty", 0): 0}
    group.reset(to="earliest")
    assert set(offsets(orders).values()) == {0}
    with pytest.raises(levada.OffsetOutOfRangeError, match="0 to 50"):
        group.reset(to={("orders", 0): 51})
    with pytest.raises(levada.NotFoundError, match="partition 7"):
        group.reset(to={("orders", 7): 0})


def test_fetch_settings_do_what_they_say_or_are_refused(db: levada.Database) -> None:
    db.create_topic("t")
    with pytest.raises(levada.InvalidError, match=r"check\.crcs"):
        db.consumer("t", check_crcs=False)
    with db.consumer("t", start="earliest", fetch_min_bytes=10_000, fetch_max_wait_ms=300) as c:
        with db.producer() as p:
            p.send("t", b"x")
        began = time.monotonic()
        assert len(c.poll(timeout=10)) == 1
        assert 0.25 < time.monotonic() - began < 5
        with db.producer() as p:
            p.send("t", b"x" * 20_000)
        began = time.monotonic()
        assert len(c.poll(timeout=10)) == 1
        assert time.monotonic() - began < 0.25

    async def main() -> None:
        async with levada.aio.open(":memory:") as other:
            await other.create_topic("t")
            c = other.consumer("t", start="earliest", fetch_min_bytes=10_000, fetch_max_wait_ms=300)
            async with other.producer() as p:
                await p.send("t", b"x")
            assert len(await c.poll(timeout=10)) == 1

    asyncio.run(main())
