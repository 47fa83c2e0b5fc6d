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

What waits (deliveries, polls, commits) is woken by the engine; short calls that touch the disk run
in asyncio's own threads. Cancelling a wait changes nothing in the engine: no record is lost by it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from . import _consumer, _database, _levada, _producer, _transaction
from ._convert import Offsets, Partition, Settings, SettingValue
from ._group import Group
from ._levada import ArrowBatches, Record, RecordMetadata, Records, Scan
from ._loop import waker, within
from ._topic import Topic

if TYPE_CHECKING:
    from typing import Self

    from _typeshed import ReadableBuffer

    from ._levada import _ArrowArray, _ArrowStream, _Column, _Headers

__all__ = ["Bulk", "Consumer", "Database", "Delivery", "Producer", "Transaction", "open"]

_T = TypeVar("_T")

#: A waiting member looks after its group at least this often, in seconds.
_GROUP_WAIT_MAX = 1.0


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

    async def send_offsets(self, consumer: Consumer, offsets: Offsets | None = None) -> None:
        """Commits where ``consumer`` stands, or ``offsets``, as part of the transaction."""
        await asyncio.to_thread(self._inner.send_offsets, consumer._inner, offsets)

    async def abort(self) -> None:
        """Gives the transaction up; leaving ``async with`` does nothing then."""
        await asyncio.to_thread(self._inner.abort)

    async def __aenter__(self) -> Self:
        self._inner.__enter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Ended also when the task is cancelled: a thread is at it already.
        await asyncio.shield(asyncio.to_thread(self._inner.__exit__, kind, error, trace))

    def __repr__(self) -> str:
        return repr(self._inner).replace("levada.", "levada.aio.", 1)


class Producer:
    """Sends records; see :class:`levada.Producer`. Leaving ``async with`` flushes."""

    __slots__ = ("_inner",)

    def __init__(self, inner: _producer.Producer) -> None:
        self._inner = inner

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
        if self._inner.full:
            await asyncio.to_thread(self._inner.make_room)
        sent = self._inner.send(
            topic, value, key=key, headers=headers, timestamp=timestamp, partition=partition
        )
        return Delivery(sent)

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
        """Sends many; see :meth:`levada.Producer.send_many`."""
        sent = await asyncio.to_thread(
            self._inner.send_many,
            topic,
            values,
            keys=keys,
            timestamps=timestamps,
            headers=headers,
            partition=partition,
        )
        return Bulk(sent)

    async def send_arrow(self, topic: str, data: _ArrowStream | _ArrowArray) -> Bulk:
        """Sends the rows of Arrow data; see :meth:`levada.Producer.send_arrow`."""
        return Bulk(await asyncio.to_thread(self._inner.send_arrow, topic, data))

    def transaction(self) -> Transaction:
        """A transaction, for ``async with``; see :meth:`levada.Producer.transaction`."""
        return Transaction(self._inner.transaction())

    async def flush(self, timeout: float | None = None) -> None:
        """Waits until all that was sent is delivered; raises the first failure nobody has seen."""
        await asyncio.to_thread(self._inner.flush, timeout)

    async def close(self, timeout: float | None = None) -> None:
        """Flushes and ends. Once is enough."""
        await asyncio.to_thread(self._inner.close, timeout)

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
        await asyncio.to_thread(self._inner.__exit__, kind, error, trace)

    def __repr__(self) -> str:
        return repr(self._inner).replace("levada.", "levada.aio.", 1)


class Consumer(AsyncIterator[Record]):
    """Reads records; see :class:`levada.Consumer`. One task at a time."""

    def __init__(self, inner: _consumer.Consumer, idle_timeout: float | None) -> None:
        self._inner = inner
        self._idle_timeout = idle_timeout
        self._woken = False
        #: Left with the engine until it rings; kept over a wait that was cancelled.
        self._ready: asyncio.Future[None] | None = None

    async def poll(self, max_records: int | None = None, timeout: float | None = 1.0) -> Records:
        """Records as soon as there are some; none when ``timeout`` seconds are over."""
        return await self._wait(lambda: self._inner.poll(max_records, 0), len, timeout)

    async def poll_arrow(
        self, max_bytes: int | None = None, timeout: float | None = 1.0, *, view: bool = True
    ) -> ArrowBatches:
        """The same as Arrow, values not copied; see :meth:`levada.Consumer.poll_arrow`."""
        return await self._wait(
            lambda: self._inner.poll_arrow(max_bytes, 0, view=view), len, timeout
        )

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Record:
        record = self._inner._next_ready()
        if record is None:
            record = await self._wait(
                self._inner._next_ready, lambda found: found is not None, self._idle_timeout
            )
        if record is None:
            raise StopAsyncIteration
        return record

    async def _wait(
        self, take: Callable[[], _T], is_something: Callable[[_T], object], timeout: float | None
    ) -> _T:
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        while True:
            found = take()
            if is_something(found) or self._woken:
                self._woken = False
                return found
            left = _GROUP_WAIT_MAX
            if deadline is not None:
                left = min(left, deadline - loop.time())
                if left <= 0:
                    return found
            if self._ready is None or self._ready.get_loop() is not loop:
                self._ready = waker().future(self._inner.notify)
            if await within(self._ready, left):
                self._ready = None

    async def commit(self, offsets: Offsets | None = None) -> None:
        """Commits where this consumer stands, or ``offsets``; waits until it is durable."""
        ticket = self._inner.commit(offsets, asynchronous=True)
        if ticket is None:
            return
        if not ticket.done():
            await within(waker().future(ticket.notify), None)
        ticket.result()

    def subscribe(self, *topics: str) -> None:
        """See :meth:`levada.Consumer.subscribe`."""
        self._inner.subscribe(*topics)

    def subscribe_pattern(self, pattern: str) -> None:
        """See :meth:`levada.Consumer.subscribe_pattern`."""
        self._inner.subscribe_pattern(pattern)

    def assign(self, *partitions: Partition) -> None:
        """See :meth:`levada.Consumer.assign`."""
        self._inner.assign(*partitions)

    def assignment(self) -> list[tuple[str, int]]:
        """The partitions that are read now."""
        return self._inner.assignment()

    def pause(self, *partitions: Partition) -> None:
        """See :meth:`levada.Consumer.pause`."""
        self._inner.pause(*partitions)

    def resume(self, *partitions: Partition) -> None:
        """See :meth:`levada.Consumer.resume`."""
        self._inner.resume(*partitions)

    async def seek(self, partition: Partition, offset: int) -> None:
        """Goes on at ``offset``."""
        await asyncio.to_thread(self._inner.seek, partition, offset)

    async def seek_to_time(
        self, moment: datetime | int, partition: Partition | None = None
    ) -> None:
        """Goes on at the first record at or after ``moment``."""
        await asyncio.to_thread(self._inner.seek_to_time, moment, partition)

    async def seek_to_beginning(self, partition: Partition | None = None) -> None:
        """Goes on at the first record there is."""
        await asyncio.to_thread(self._inner.seek_to_beginning, partition)

    async def seek_to_end(self, partition: Partition | None = None) -> None:
        """Goes on behind the last record there is."""
        await asyncio.to_thread(self._inner.seek_to_end, partition)

    def position(self, partition: Partition) -> int:
        """The offset of the next record that this consumer gives."""
        return self._inner.position(partition)

    async def committed(self, partition: Partition) -> int | None:
        """What the group has committed."""
        return await asyncio.to_thread(self._inner.committed, partition)

    async def lag(self) -> dict[tuple[str, int], int]:
        """How many offsets lie between the position and the end of each assigned partition."""
        return await asyncio.to_thread(self._inner.lag)

    def wakeup(self) -> None:
        """Makes a poll that waits return empty, and an iteration end; from any thread."""
        self._woken = True
        self._inner.wakeup()

    async def close(self) -> None:
        """Commits (with ``enable.auto.commit``), leaves the group and ends. Once is enough."""
        self.wakeup()
        await asyncio.to_thread(self._inner.close)

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
        await asyncio.to_thread(self._inner.__exit__, kind, error, trace)

    def __repr__(self) -> str:
        return repr(self._inner).replace("levada.", "levada.aio.", 1)


class Database:
    """An open data directory; see :class:`levada.Database`.

    Topics and groups that it gives are :class:`levada.Topic` and :class:`levada.Group`; their calls
    are short, but for ``archive``: run that one with ``asyncio.to_thread``.
    """

    def __init__(self, inner: _database.Database) -> None:
        self._inner = inner

    @property
    def sync(self) -> _database.Database:
        """The same database for code that is not asynchronous."""
        return self._inner

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
        return await asyncio.to_thread(
            self._inner.create_topic, name, partitions, config, exist_ok=exist_ok
        )

    async def topic(self, name: str) -> Topic:
        """A topic by name; :class:`levada.NotFoundError` when there is none."""
        return await asyncio.to_thread(self._inner.topic, name)

    async def topics(self, *, internal: bool = False) -> list[Topic]:
        """All topics by name."""
        return await asyncio.to_thread(self._inner.topics, internal=internal)

    async def delete_topic(self, name: str) -> None:
        """Removes a topic with its records, offsets and archive."""
        await asyncio.to_thread(self._inner.delete_topic, name)

    async def groups(self) -> list[Group]:
        """All consumer groups by name."""
        return await asyncio.to_thread(self._inner.groups)

    def group(self, id: str) -> Group:
        """A consumer group by name; it need not exist yet."""
        return self._inner.group(id)

    def producer(self, *, config: Settings | None = None, **settings: SettingValue) -> Producer:
        """A producer; see :meth:`levada.Database.producer`."""
        return Producer(self._inner.producer(config=config, **settings))

    def consumer(
        self,
        *topics: str,
        group: str | None = None,
        start: _database.Start | None = None,
        pattern: str | None = None,
        partitions: Iterable[Partition] | None = None,
        auto_commit: bool | None = None,
        idle_timeout: float | None = None,
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
            idle_timeout=None,
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
