"""The asynchronous face."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import levada
import levada._loop
import levada.aio
import pytest


@asynccontextmanager
async def orders() -> AsyncIterator[levada.aio.Database]:
    async with levada.aio.open(":memory:") as db:
        await db.create_topic("orders", 2)
        yield db


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(60):
            await main()

    asyncio.run(limited())


def test_send_and_read() -> None:
    async def main() -> None:
        async with orders() as db:
            async with db.producer() as p:
                d = await p.send("orders", b"tea", partition=1)
                assert (await d).partition == 1
                assert d.done()
                many = await p.send_many("orders", [b"%d" % n for n in range(100)])
                assert len(await many) >= 1
            async with db.consumer("orders", start="earliest", idle_timeout=0) as c:
                got = [r.value async for r in c]
        assert sorted(got, key=str) == sorted([b"tea", *(b"%d" % n for n in range(100))], key=str)

    run(main)


def test_open_can_be_awaited(tmp_path: Path) -> None:
    async def main() -> None:
        db = await levada.aio.open(tmp_path / "data")
        assert not db.closed
        assert await db.topics() == []
        await db.close()
        assert db.closed

    run(main)


def test_thousands_wait_without_a_thread_each() -> None:
    async def main() -> None:
        async with orders() as db, db.producer(linger_ms=50) as p:
            sent = [await p.send("orders", b"%d" % n, partition=0) for n in range(5000)]
            before = threading.active_count()
            waits = [asyncio.ensure_future(d.result()) for d in sent]
            await asyncio.sleep(0)
            assert threading.active_count() == before
            placed = await asyncio.gather(*waits)
            assert [m.offset for m in placed] == list(range(5000))

    run(main)


def test_a_poll_is_woken_by_the_record() -> None:
    async def main() -> None:
        async with orders() as db, db.consumer("orders", start="earliest") as c:
            assert len(await c.poll(timeout=0)) == 0
            waiting = asyncio.ensure_future(c.poll(timeout=30))
            await asyncio.sleep(0)
            async with db.producer() as p:
                await p.send("orders", b"now")
            assert [r.value for r in await waiting] == [b"now"]

    run(main)


def test_a_cancelled_poll_loses_nothing() -> None:
    async def main() -> None:
        async with orders() as db, db.consumer("orders", start="earliest") as c:
            for _ in range(3):
                waiting = asyncio.ensure_future(c.poll(timeout=None))
                await asyncio.sleep(0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
            async with db.producer() as p:
                delivery = await p.send("orders", b"kept")
                waiting2 = asyncio.ensure_future(delivery.result())
                await asyncio.sleep(0)
                waiting2.cancel()
            assert [r.value for r in await c.poll()] == [b"kept"]

    run(main)


def test_iteration_waits_and_wakeup_ends_it() -> None:
    async def main() -> None:
        async with orders() as db, db.consumer("orders", start="earliest") as c:
            got: list[bytes | None] = []

            async def read() -> None:
                async for record in c:
                    got.append(record.value)
                    if len(got) == 2:
                        c.wakeup()

            reading = asyncio.ensure_future(read())
            async with db.producer(linger_ms=0) as p:
                await (await p.send("orders", b"1"))
                await (await p.send("orders", b"2"))
            await reading
            assert sorted(got, key=str) == [b"1", b"2"]

    run(main)


def test_commit_and_position() -> None:
    async def main() -> None:
        async with orders() as db:
            async with db.producer() as p:
                await p.send_many("orders", [b"1", b"2", b"3"], partition=0)
            async with db.consumer("orders", group="g", start="earliest", auto_commit=False) as c:
                await anext(c)
                await c.commit()
                assert c.position(("orders", 0)) == 1
                assert await c.committed(("orders", 0)) == 1
                assert (await c.lag())[("orders", 0)] == 2
                await c.seek(("orders", 0), 3)
                assert len(await c.poll(timeout=0)) == 0
            assert (await db.group("g").offsets())["orders", 0] == 1

    run(main)


def test_a_full_buffer_does_not_stop_the_loop() -> None:
    async def main() -> None:
        async with orders() as db:
            async with db.producer(buffer_memory=20_000, batch_size=5_000) as p:
                for _ in range(500):
                    await p.send("orders", b"x" * 1000)
            async with db.consumer("orders", start="earliest", idle_timeout=0) as c:
                assert len([r async for r in c]) == 500

    run(main)


def test_errors_are_the_same() -> None:
    async def main() -> None:
        async with orders() as db, db.producer(linger_ms=100_000) as p:
            with pytest.raises(levada.NotFoundError):
                await p.send("none", b"")
            d = await p.send("orders", b"late")
            with pytest.raises(levada.TimeoutError):
                await d.result(timeout=0.01)
            await p.flush()
            assert (await d).offset == 0
        async with levada.aio.open(":memory:") as empty:
            with pytest.raises(levada.NotFoundError):
                await empty.topic("none")

    run(main)


def test_arrow_and_scan() -> None:
    pa = pytest.importorskip("pyarrow")

    async def main() -> None:
        async with orders() as db:
            async with db.producer() as p:
                await (await p.send_arrow("orders", pa.table({"value": [b"1", b"2"]})))
            async with db.consumer("orders", start="earliest") as c:
                assert pa.table(await c.poll_arrow())["value"].to_pylist() == [b"1", b"2"]
            table = await asyncio.to_thread(pa.table, db.scan("orders"))
            assert table.num_rows == 2

    run(main)


def test_everything_shows_itself() -> None:
    async def main() -> None:
        async with orders() as db, db.producer() as p, db.consumer("orders") as c:
            shown = [repr(o) for o in (db, p, c, await p.send("orders", b""))]
            assert all("levada." in s for s in shown)

    run(main)


def test_a_callback_of_a_delivery_is_called_in_the_loop() -> None:
    async def main() -> None:
        thread = threading.get_ident()
        called: list[tuple[int, int]] = []

        def note(delivery: levada.aio.Delivery) -> None:
            assert delivery.done()
            called.append((len(called), threading.get_ident()))

        async with orders() as db, db.producer() as p:
            for _ in range(10):
                (await p.send("orders", b"x")).add_done_callback(note)
            await p.flush()
            assert called == [(n, thread) for n in range(10)]

    run(main)


@pytest.mark.parametrize(
    "name", ["Bulk", "Consumer", "Database", "Delivery", "Group", "Producer", "Topic"]
)
def test_what_the_synchronous_face_has_the_asynchronous_has(name: str) -> None:
    def names(cls: type) -> set[str]:
        return {n for n in dir(cls) if not n.startswith("_")}

    missing = names(getattr(levada, name)) - names(getattr(levada.aio, name))
    # How a delivery rings is the inside of this face.
    assert missing <= {"notify"}


def test_topics_and_groups_are_asynchronous_too() -> None:
    async def main() -> None:
        async with orders() as db:
            topic = await db.topic("orders")
            assert topic in await db.topics()
            await topic.alter({"retention.ms": 1000})
            assert await topic.config() == {"retention.ms": "1000"}
            async with db.producer() as p:
                await p.send("orders", b"1", partition=0)
            assert await topic.offsets() == {0: (0, 1), 1: (0, 0)}
            async with db.consumer("orders", group="g", start="earliest") as c:
                assert len(await c.poll()) == 1
                assert c.subscription() == ["orders"]
                c.pause(("orders", 0))
                assert c.paused() == [("orders", 0)]
                assert await c.bounds(("orders", 0)) == (0, 1)
                assert c.member() is not None and c.group_id == "g"
                assert await db.group("g").state() == "Stable"
                c.unsubscribe()
            (group,) = await db.groups()
            assert group.id == "g"
            await group.reset("earliest", topic="orders")
            assert (await group.offsets())["orders", 0] == 0
            await db.run("checkpoint")
            assert any(job.runs for job in await db.jobs())
            assert db.recovery() == [] and db.path == ":memory:"

    run(main)


def test_loops_come_and_go_without_a_trace() -> None:
    async def main() -> None:
        async with orders() as db, db.consumer("orders") as c, db.producer() as p:
            await (await p.send("orders", b""))
            with pytest.raises(TimeoutError):
                # What it leaves with the engine never rings.
                await asyncio.wait_for(c.poll(timeout=None), 0.01)

    def by_hand() -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        loop.close()

    fds = "/proc/self/fd" if os.path.exists("/proc/self/fd") else "/dev/fd"
    run(main)
    before = len(os.listdir(fds))
    for _ in range(5):
        run(main)
    assert len(os.listdir(fds)) == before
    for _ in range(5):
        by_hand()
    run(main)
    gc.collect()
    assert len(os.listdir(fds)) == before
    assert not levada._loop._WAKERS


def test_others_have_a_turn_while_there_is_much_to_do() -> None:
    async def main() -> None:
        async with orders() as db, db.producer() as p:
            turns = 0

            async def others() -> None:
                nonlocal turns
                while True:
                    await asyncio.sleep(0)
                    turns += 1

            other = asyncio.ensure_future(others())
            for _ in range(5000):
                await p.send("orders", b"")
            assert turns > 10
            await p.send_many("orders", [b""] * 50_000)
            assert turns > 20
            await p.flush()
            turns = 0
            async with db.consumer("orders", start="earliest", idle_timeout=0) as c:
                assert len([r async for r in c]) == 55_000
            assert turns > 50
            other.cancel()

    run(main)


def test_a_send_without_room_in_time_is_late() -> None:
    async def main() -> None:
        async with orders() as db:
            p = db.producer(buffer_memory=20_000, max_block_ms=0, linger_ms=100_000)
            with pytest.raises(levada.TimeoutError, match=r"buffer\.memory"):
                for _ in range(100):
                    await p.send("orders", b"x" * 5_000)
            await p.flush()
            assert not p.full and p.buffered_bytes == 0
            await p.close()
            with pytest.raises(levada.ClosedError):
                await p.flush()

    run(main)
