"""The same for asyncio: coroutines and async iterators, no thread a waiter.

>>> import asyncio, levada.aio
>>> async def main():
...     async with levada.aio.open(":memory:") as db:
...         _ = await db.create_topic("orders")
...         async with db.producer() as p:
...             d = await p.send("orders", b"tea")
...             print((await d).offset)
...         async with db.consumer("orders", start="earliest", idle_timeout=0) as c:
...             async for r in c:
...                 print(r.value)
>>> asyncio.run(main())
0
b'tea'

What waits (deliveries, polls, commits, flushes, room in a full buffer) is woken by the engine;
short calls that touch the disk run in asyncio's own threads. Cancelling a wait changes nothing in
the engine: no record is lost by it.
"""

from __future__ import annotations

import asyncio
import functools
import os
import re
from collections.abc import Callable, Generator, Iterable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from . import _consumer, _database, _levada, _producer, _transaction
from ._aio_admin import Group, Topic
from ._aio_consumer import Consumer
from ._aio_server import Server, Serving
from ._convert import Offsets, Partition, Settings, SettingValue
from ._database import JobReport, PartitionRecovery
from ._levada import Record, RecordMetadata, Scan, Sending
from ._loop import in_thread, late, waker, within

if TYPE_CHECKING:
    from typing import Self

    from _typeshed import ReadableBuffer

    from ._levada import _ArrowArray, _ArrowStream, _Column, _Headers

__all__ = [
    "Bulk",
    "Consumer",
    "Database",
    "Delivery",
    "Group",
    "Producer",
    "Server",
    "Topic",
    "Transaction",
    "open",
    "serve",
]

#: After so many sends that did not wait, others have a turn.
_SENDS_IN_A_ROW = 256
#: As the synchronous face has it, in seconds.
_CLOSE_TIMEOUT = 120.0


class Delivery:
    """A record on its way; awaiting it gives where it went, or raises what went wrong."""

    __slots__ = ("_inner",)

    def __init__(self, inner: _levada.Delivery) -> None:
        self._inner = inner

    def __await__(self) -> Generator[Any, None, RecordMetadata]:
        return self.result().__await__()

    async def result(self, timeout: float | None = None) -> RecordMetadata:
        """Waits until the record is delivered; :class:`levada.TimeoutError` when it is late."""
        if not self._inner.done():
            await within(waker().future(self._inner.notify), timeout)
        return self._inner.result(0)

    def done(self) -> bool:
        """Whether the outcome is known."""
        return self._inner.done()

    def add_done_callback(self, callback: Callable[[Delivery], object]) -> None:
        """Has the running loop call ``callback`` with this delivery when its outcome is known."""
        rung = waker().future(self._inner.notify)
        rung.add_done_callback(lambda _: callback(self))

    def __repr__(self) -> str:
        return repr(self._inner)


class Bulk:
    """Many records on their way; awaiting it gives the last place of each batch."""

    __slots__ = ("_inner",)

    def __init__(self, inner: _levada.Bulk) -> None:
        self._inner = inner

    def __len__(self) -> int:
        return len(self._inner)

    def __await__(self) -> Generator[Any, None, list[RecordMetadata]]:
        return self.result().__await__()

    async def result(self, timeout: float | None = None) -> list[RecordMetadata]:
        """Waits until all are delivered; :class:`levada.TimeoutError` when they are late."""
        if not self._inner.done():
            await within(waker().future(self._inner.notify), timeout)
        return self._inner.result(0)

    def done(self) -> bool:
        """Whether the outcome of all is known."""
        return self._inner.done()

    def __repr__(self) -> str:
        return repr(self._inner)


class Transaction:
    """All of what is sent in it, or nothing; see :class:`levada.Transaction`."""

    __slots__ = ("_inner",)

    def __init__(self, inner: _transaction.Transaction) -> None:
        self._inner = inner

    async def send_offsets(
        self, consumer: Consumer, offsets: Offsets | Record | None = None
    ) -> None:
        """Commits where ``consumer`` stands, or ``offsets``, as part of the transaction.

        See :meth:`levada.Transaction.send_offsets`.
        """
        await in_thread(self._inner.send_offsets, consumer._inner, offsets)

    async def abort(self) -> None:
        """Gives the transaction up; leaving ``async with`` does nothing then."""
        await in_thread(self._inner.abort)

    async def __aenter__(self) -> Self:
        self._inner.__enter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await in_thread(self._inner.__exit__, kind, error, trace)

    def __repr__(self) -> str:
        return repr(self._inner).replace("levada.", "levada.aio.", 1)


class Producer:
    """Sends records; see :class:`levada.Producer`. Leaving ``async with`` flushes."""

    __slots__ = ("_inner", "_queue", "_sends")

    def __init__(self, inner: _producer.Producer) -> None:
        self._inner = inner
        self._sends = 0
        #: Those who wait for room, one behind the other; of the loop that waited last.
        self._queue: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    async def send(
        self,
        topic: str,
        value: ReadableBuffer | None,
        *,
        key: ReadableBuffer | None = None,
        headers: _Headers | None = None,
        timestamp: int | datetime | None = None,
        partition: int | None = None,
    ) -> Delivery:
        """Sends a record; waits only while ``buffer.memory`` is full."""
        self._sends += 1
        if self._sends % _SENDS_IN_A_ROW == 0:
            await asyncio.sleep(0)
        until: float | None = None
        while True:
            sent = self._inner._try_send(
                topic, value, key=key, headers=headers, timestamp=timestamp, partition=partition
            )
            if not isinstance(sent, int):
                return Delivery(sent)
            if until is None:
                until = asyncio.get_running_loop().time() + self._inner._max_block
            await self._room(functools.partial(self._inner._on_room, topic, sent), until)

    async def send_many(
        self,
        topic: str,
        values: _Column,
        *,
        keys: _Column | None = None,
        timestamps: Iterable[int | datetime | None] | None = None,
        headers: Iterable[_Headers] | None = None,
        partition: int | None = None,
    ) -> Bulk:
        """Sends many; see :meth:`levada.Producer.send_many`.

        Cancelling it leaves those sent that were sent before.
        """
        sending = await in_thread(
            self._inner._begin_many,
            topic,
            values,
            keys=keys,
            timestamps=timestamps,
            headers=headers,
            partition=partition,
        )
        while (step := sending.step()) != "done":
            await self._between(step, sending)
        return Bulk(sending.bulk())

    async def send_arrow(
        self, topic: str, data: _ArrowStream | _ArrowArray, *, keep_partitions: bool = False
    ) -> Bulk:
        """Sends the rows of Arrow data; see :meth:`levada.Producer.send_arrow`.

        Cancelling it leaves those sent that were sent before.
        """
        sending = await in_thread(
            self._inner._begin_arrow, topic, data, keep_partitions=keep_partitions
        )
        # Where the data comes from may take its time.
        while (step := await in_thread(sending.step)) != "done":
            await self._between(step, sending)
        return Bulk(sending.bulk())

    async def _between(self, step: str, sending: Sending) -> None:
        if step == "full":
            until = asyncio.get_running_loop().time() + self._inner._max_block
            await self._room(sending.on_room, until)
        else:
            await asyncio.sleep(0)

    async def _room(self, register: Callable[[_levada.Bell, int], None], until: float) -> None:
        """Waits for its turn, then for room. The next one comes when this one has tried again."""
        loop = asyncio.get_running_loop()
        if self._queue is None or self._queue[0] is not loop:
            self._queue = (loop, asyncio.Lock())
        limit = asyncio.timeout_at(until)
        try:
            async with limit, self._queue[1]:
                await within(waker().future(register), None)
        except TimeoutError:
            if limit.expired():
                self._inner._no_room()
            raise

    def transaction(self) -> Transaction:
        """A transaction, for ``async with``; see :meth:`levada.Producer.transaction`."""
        return Transaction(self._inner.transaction())

    async def flush(self, timeout: float | None = None) -> None:
        """Waits until all that was sent is delivered; raises the first failure nobody has seen."""
        if not await within(waker().future(self._inner._on_flushed), timeout):
            ms = round((timeout or 0) * 1000)
            raise late(
                f"not all records were delivered within {ms} ms: they may still be; flush again"
            )
        self._inner._take_failure()

    async def close(self, timeout: float | None = None) -> None:
        """Flushes (120 s at most if not said) and ends. Once is enough."""
        if self._inner.closed:
            return
        failed: Exception | None = None
        left = 0.0
        try:
            await self.flush(_CLOSE_TIMEOUT if timeout is None else timeout)
            left = _CLOSE_TIMEOUT
        except Exception as error:
            failed = error
        finally:
            # Also when it is cancelled: what was sent is then on its way to the disk.
            await in_thread(self._inner.close, left)
        if failed is not None:
            raise failed

    async def make_room(self) -> None:
        """Waits until ``send`` need not wait, for ``max.block.ms`` at most."""
        until = asyncio.get_running_loop().time() + self._inner._max_block
        await self._room(functools.partial(self._inner._on_room, None, 0), until)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._inner.in_transaction

    @property
    def full(self) -> bool:
        """Whether ``send`` would wait for room."""
        return self._inner.full

    @property
    def buffered_bytes(self) -> int:
        """Bytes that are sent and not delivered."""
        return self._inner.buffered_bytes

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._inner.closed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            await self.close()
            return
        try:
            await self.close()
        except Exception as failed:
            error.add_note(f"and the producer could not be closed: {failed}")

    def __repr__(self) -> str:
        return repr(self._inner).replace("levada.", "levada.aio.", 1)


class Database:
    """An open data directory; see :class:`levada.Database`."""

    def __init__(self, inner: _database.Database) -> None:
        self._inner = inner

    @property
    def sync(self) -> _database.Database:
        """The same database for code that is not asynchronous."""
        return self._inner

    @property
    def path(self) -> str:
        """The directory, or ``":memory:"``."""
        return self._inner.path

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._inner.closed

    async def create_topic(
        self,
        name: str,
        partitions: int = 1,
        config: Settings | None = None,
        *,
        exist_ok: bool = False,
    ) -> Topic:
        """Makes a topic; see :meth:`levada.Database.create_topic`."""
        made = await asyncio.to_thread(
            self._inner.create_topic, name, partitions, config, exist_ok=exist_ok
        )
        return Topic(made)

    async def topic(self, name: str) -> Topic:
        """A topic by name; :class:`levada.NotFoundError` when there is none."""
        return Topic(await asyncio.to_thread(self._inner.topic, name))

    async def topics(self, *, internal: bool = False) -> list[Topic]:
        """All topics by name."""
        found = await asyncio.to_thread(self._inner.topics, internal=internal)
        return [Topic(topic) for topic in found]

    async def delete_topic(self, name: str) -> None:
        """Removes a topic with its records, offsets and archive."""
        await asyncio.to_thread(self._inner.delete_topic, name)

    async def groups(self) -> list[Group]:
        """All consumer groups by name."""
        return [Group(group) for group in await asyncio.to_thread(self._inner.groups)]

    def group(self, id: str) -> Group:
        """A consumer group by name; it need not exist yet."""
        return Group(self._inner.group(id))

    def producer(self, *, config: Settings | None = None, **settings: SettingValue) -> Producer:
        """A producer; see :meth:`levada.Database.producer`."""
        return Producer(self._inner.producer(config=config, **settings))

    def consumer(
        self,
        *topics: _consumer.Topics,
        group: str | None = None,
        start: _database.Start | None = None,
        pattern: str | re.Pattern[str] | None = None,
        partitions: Iterable[Partition] | None = None,
        auto_commit: bool | None = None,
        idle_timeout: float | None = None,
        on_assigned: _consumer.OnRebalance | None = None,
        on_revoked: _consumer.OnRebalance | None = None,
        on_lost: _consumer.OnRebalance | None = None,
        config: Settings | None = None,
        **settings: SettingValue,
    ) -> Consumer:
        """A consumer; see :meth:`levada.Database.consumer`."""
        inner = self._inner.consumer(
            *topics,
            group=group,
            start=start,
            pattern=pattern,
            partitions=partitions,
            auto_commit=auto_commit,
            idle_timeout=idle_timeout,
            on_assigned=on_assigned,
            on_revoked=on_revoked,
            on_lost=on_lost,
            config=config,
            **settings,
        )
        return Consumer(inner, idle_timeout)

    def scan(
        self,
        topic: str,
        *,
        partitions: Iterable[int] | None = None,
        start: datetime | Offsets | None = None,
        end: datetime | Offsets | None = None,
        columns: Iterable[str] | None = None,
        isolation_level: Literal["read_uncommitted", "read_committed"] = "read_uncommitted",
        view: bool = True,
    ) -> Scan:
        """The topic as one Arrow stream; see :meth:`levada.Database.scan`."""
        return self._inner.scan(
            topic,
            partitions=partitions,
            start=start,
            end=end,
            columns=columns,
            isolation_level=isolation_level,
            view=view,
        )

    def serve(
        self,
        *,
        host: str | None = None,
        port: int | None = None,
        config: Settings | None = None,
        **settings: SettingValue,
    ) -> Serving:
        """Serves Kafka's protocol; see :meth:`levada.Database.serve`.

        To be entered with ``async with``, or awaited and closed by hand.
        """
        start = functools.partial(
            self._inner.serve, host=host, port=port, config=config, **settings
        )
        return Serving(start, lambda _: self)

    async def run(self, job: str) -> int:
        """Runs a background job now; see :meth:`levada.Database.run`."""
        return await asyncio.to_thread(self._inner.run, job)

    async def jobs(self) -> list[JobReport]:
        """How the background jobs went so far."""
        return await asyncio.to_thread(self._inner.jobs)

    def recovery(self) -> list[PartitionRecovery]:
        """What opening had to mend after an unclean stop; empty when nothing."""
        return self._inner.recovery()

    async def close(self) -> None:
        """Closes what was made from it, makes everything durable and closes. Once is enough."""
        await asyncio.to_thread(self._inner.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._inner.__exit__, kind, error, trace)

    def __repr__(self) -> str:
        return repr(self._inner).replace("levada.", "levada.aio.", 1)


class _Opening:
    """What :func:`open` gives: to be awaited, or entered with ``async with``."""

    def __init__(self, opens: Callable[[], _database.Database]) -> None:
        self._opens = opens
        self._database: Database | None = None

    async def _open(self) -> Database:
        # A cancelled open still opens: what it opened is closed, not left behind.
        task = asyncio.ensure_future(asyncio.to_thread(self._opens))
        try:
            return Database(await asyncio.shield(task))
        except asyncio.CancelledError:
            (await task).close()
            raise

    def __await__(self) -> Generator[Any, None, Database]:
        return self._open().__await__()

    async def __aenter__(self) -> Database:
        self._database = await self._open()
        return self._database

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._database is not None:
            await self._database.__aexit__(kind, error, trace)


def open(
    path: str | os.PathLike[str],
    *,
    config: Settings | None = None,
    archive_dir: str | os.PathLike[str] | None = None,
) -> _Opening:
    """Opens a data directory; see :func:`levada.open`.

    To be entered with ``async with``, or awaited and closed by hand.
    """
    return _Opening(lambda: _database.Database(path, config=config, archive_dir=archive_dir))


def serve(
    path: str | os.PathLike[str],
    *,
    host: str | None = None,
    port: int | None = None,
    config: Settings | None = None,
    archive_dir: str | os.PathLike[str] | None = None,
    **settings: SettingValue,
) -> Serving:
    """Opens a data directory and serves it; see :func:`levada.serve`.

    To be entered with ``async with``, or awaited and closed by hand.
    """
    start = functools.partial(
        _database.serve,
        path,
        host=host,
        port=port,
        config=config,
        archive_dir=archive_dir,
        **settings,
    )
    return Serving(start, lambda server: Database(server.database))
