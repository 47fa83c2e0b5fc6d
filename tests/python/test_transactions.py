"""Transactions."""

from __future__ import annotations

import asyncio
from pathlib import Path

import levada
import levada.aio
import pytest


def committed(db: levada.Database, topic: str) -> list[bytes | None]:
    with db.consumer(
        topic, start="earliest", idle_timeout=0, isolation_level="read_committed"
    ) as c:
        return [r.value for r in c]


def test_leaving_commits_and_an_exception_aborts(db: levada.Database) -> None:
    db.create_topic("a", 2)
    db.create_topic("b")
    with db.producer(transactional_id="tx") as p:
        with p.transaction():
            assert p.in_transaction
            p.send("a", b"1", partition=0)
            p.send("a", b"2", partition=1)
            p.send_many("b", [b"3", b"4"])
        assert not p.in_transaction
        with pytest.raises(RuntimeError, match="mine"), p.transaction():
            p.send("b", b"lost").result(5)
            raise RuntimeError("mine")
        with p.transaction():
            p.send("b", b"5")
    assert sorted(v or b"" for v in committed(db, "a")) == [b"1", b"2"]
    assert committed(db, "b") == [b"3", b"4", b"5"]


def test_an_abort_by_hand_ends_it(db: levada.Database) -> None:
    db.create_topic("a")
    with db.producer(transactional_id="tx", linger_ms=100_000) as p:
        with p.transaction() as txn:
            d = p.send("a", b"lost")
            assert "open" in repr(txn)
            txn.abort()
            assert "over" in repr(txn)
        with pytest.raises(levada.ConflictError):
            d.result(5)
        with p.transaction():
            p.send("a", b"kept")
    assert committed(db, "a") == [b"kept"]


def test_sending_outside_of_a_transaction_is_refused(db: levada.Database) -> None:
    db.create_topic("a")
    with (
        db.producer() as plain,
        pytest.raises(levada.InvalidError, match="transactional"),
        plain.transaction(),
    ):
        pass
    with db.producer(transactional_id="tx") as p:
        with pytest.raises(levada.ConflictError, match="begin"):
            p.send("a", b"x")
        with (
            p.transaction(),
            pytest.raises(levada.ConflictError, match="open already"),
            p.transaction(),
        ):
            pass
        with p.transaction():
            pass
    with pytest.raises(levada.InvalidError):
        db.producer(transactional_id="tx", acks="1")


def test_a_newer_producer_of_the_id_fences_the_older(db: levada.Database) -> None:
    db.create_topic("a")
    old = db.producer(transactional_id="tx")
    with pytest.raises(levada.FencedError), old.transaction():
        old.send("a", b"old").result(5)
        new = db.producer(transactional_id="tx")
    with pytest.raises(levada.FencedError) as caught, old.transaction():
        pass
    assert caught.value.code == 90
    with new, new.transaction():
        new.send("a", b"new")
    old.close()
    assert committed(db, "a") == [b"new"]


def test_offsets_move_with_the_records(db: levada.Database) -> None:
    db.create_topic("in")
    db.create_topic("out")
    with db.producer() as p:
        p.send_many("in", [b"%d" % n for n in range(10)])

    def step(fail: bool) -> None:
        with (
            db.consumer("in", group="g", start="earliest", auto_commit=False, idle_timeout=1) as c,
            db.producer(transactional_id="copy") as p,
            p.transaction() as txn,
        ):
            # The iteration reads ahead; the offsets count what it has handed out.
            for n, record in enumerate(c):
                p.send("out", record.value)
                if n == 2:
                    break
            txn.send_offsets(c)
            if fail:
                raise RuntimeError("crash")

    step(fail=False)
    with pytest.raises(RuntimeError):
        step(fail=True)
    step(fail=False)
    assert committed(db, "out") == [b"%d" % n for n in range(6)]
    assert db.group("g").offsets() == {("in", 0): 6}


def test_a_record_stands_for_what_lies_before_it(db: levada.Database) -> None:
    db.create_topic("in")
    with db.producer() as p:
        p.send_many("in", [b"%d" % n for n in range(5)])
    with (
        db.consumer("in", group="g", start="earliest", auto_commit=False) as c,
        db.producer(transactional_id="copy") as p,
    ):
        records = c.poll(timeout=5)
        with p.transaction() as txn:
            txn.send_offsets(c, records[2])
            assert c.committed(0) is None
        assert c.committed(0) == 3


def test_offsets_need_a_group_that_leaves_commits_alone(db: levada.Database) -> None:
    db.create_topic("in")
    with db.producer(transactional_id="tx") as p, p.transaction() as txn:
        with db.consumer("in", group="g") as c, pytest.raises(levada.InvalidError, match="auto"):
            txn.send_offsets(c)
        with db.consumer("in") as c, pytest.raises(levada.InvalidError, match="group"):
            txn.send_offsets(c)
        with db.consumer("in", group="g", auto_commit=False) as c:
            c.poll(timeout=0.1)
            txn.send_offsets(c, {0: 0})
    assert db.group("g").offsets() == {("in", 0): 0}


def test_a_lost_record_fails_the_commit(db: levada.Database) -> None:
    db.create_topic("a")
    db.create_topic("gone")
    with db.producer(transactional_id="tx") as p:
        with pytest.raises(levada.Error, match="abort it"), p.transaction():
            p.send("a", b"lost")
            d = p.send("gone", b"x")
            db.delete_topic("gone")
            with pytest.raises(levada.Error):
                p.flush()
            with pytest.raises(levada.Error):
                d.result(5)
        with p.transaction():
            p.send("a", b"kept")
    assert committed(db, "a") == [b"kept"]


def test_what_was_open_at_the_end_is_not_there_after_it(data: Path) -> None:
    with levada.open(data) as db:
        db.create_topic("a")
        p = db.producer(transactional_id="tx")
        with p.transaction():
            p.send("a", b"kept")
        p._begin()
        p.send("a", b"open").result(5)
    with levada.open(data) as db, db.producer(transactional_id="tx"):
        assert committed(db, "a") == [b"kept"]


def test_asyncio() -> None:
    async def main() -> None:
        async with levada.aio.open(":memory:") as db:
            await db.create_topic("in")
            await db.create_topic("out")
            async with db.producer() as p:
                await p.send("in", b"tea")
            committed = {"isolation_level": "read_committed"}
            async with (
                db.producer(transactional_id="tx") as p,
                db.consumer("in", group="g", start="earliest", auto_commit=False) as c,
            ):
                records = await c.poll(timeout=5)
                async with p.transaction() as txn:
                    for r in records:
                        await p.send("out", r.value)
                    await txn.send_offsets(c)
                with pytest.raises(RuntimeError):
                    async with p.transaction():
                        await p.send("out", b"lost")
                        raise RuntimeError
                async with p.transaction() as txn:
                    await p.send("out", b"lost")
                    await txn.abort()
                assert "over" in repr(txn)
            async with db.consumer("out", start="earliest", idle_timeout=0, **committed) as c:
                assert [r.value async for r in c] == [b"tea"]
            assert await db.group("g").offsets() == {("in", 0): 1}

    asyncio.run(main())
