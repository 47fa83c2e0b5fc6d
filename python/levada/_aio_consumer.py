"""The consumer for asyncio: what may wait for the disk runs in a thread, reading does not wait."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from . import _consumer
from ._convert import Offsets, Partition
from ._levada import ArrowBatches, Record, Records
from ._loop import in_thread, late, waker, within

if TYPE_CHECKING:
    from typing import Self

_T = TypeVar("_T")


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
        record = self._inner._next_ahead()
        if record is None:
            # Once a poll others have a turn, however much there is to read.
            await asyncio.sleep(0)
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
            if self._inner._has_news():
                await in_thread(self._inner._keep_up)
            found = take()
            if is_something(found) or self._woken:
                self._woken = False
                return found
            left = self._inner._look_again_after
            if deadline is not None:
                left = min(left, deadline - loop.time())
                if left <= 0:
                    return found
            if self._ready is None or self._ready.get_loop() is not loop:
                self._ready = waker().future(self._inner.notify)
            if await within(self._ready, left):
                self._ready = None

    async def commit(self, offsets: Offsets | Record | None = None) -> None:
        """Commits where this consumer stands, ``offsets``, or up to a record, durably.

        See :meth:`levada.Consumer.commit`.
        """
        ticket = await in_thread(self._inner.commit, offsets, asynchronous=True)
        if ticket is None:
            return
        limit = ticket._timeout
        if not ticket.done() and not await within(waker().future(ticket.notify), limit):
            raise late("the offsets were not durable in time: they may still become so")
        ticket.result()

    def subscribe(
        self,
        *topics: _consumer.Topics,
        pattern: str | re.Pattern[str] | None = None,
        on_assigned: _consumer.OnRebalance | None = None,
        on_revoked: _consumer.OnRebalance | None = None,
        on_lost: _consumer.OnRebalance | None = None,
    ) -> None:
        """See :meth:`levada.Consumer.subscribe`.

        Callbacks are plain functions and get the consumer underneath. They run in one of asyncio's
        threads or in the loop's.
        """
        self._inner.subscribe(
            *topics,
            pattern=pattern,
            on_assigned=on_assigned,
            on_revoked=on_revoked,
            on_lost=on_lost,
        )

    def subscribe_pattern(self, pattern: str | re.Pattern[str]) -> None:
        """See :meth:`levada.Consumer.subscribe_pattern`."""
        self._inner.subscribe_pattern(pattern)

    def unsubscribe(self) -> None:
        """Gives up what was assigned or subscribed, and leaves the group."""
        self._inner.unsubscribe()

    def subscription(self) -> list[str]:
        """The topics (or the pattern) of the subscription."""
        return self._inner.subscription()

    def assign(self, *partitions: Partition) -> None:
        """See :meth:`levada.Consumer.assign`."""
        self._inner.assign(*partitions)

    def assignment(self) -> list[tuple[str, int]]:
        """The partitions that are read now."""
        return self._inner.assignment()

    def member(self) -> tuple[str, int] | None:
        """The id and epoch in the group; ``None`` without one."""
        return self._inner.member()

    @property
    def group_id(self) -> str | None:
        """The group's name."""
        return self._inner.group_id

    def pause(self, *partitions: Partition) -> None:
        """See :meth:`levada.Consumer.pause`."""
        self._inner.pause(*partitions)

    def resume(self, *partitions: Partition) -> None:
        """See :meth:`levada.Consumer.resume`."""
        self._inner.resume(*partitions)

    def paused(self) -> list[tuple[str, int]]:
        """The partitions that are paused."""
        return self._inner.paused()

    async def seek(self, partition: Partition, offset: int) -> None:
        """Goes on at ``offset``."""
        await in_thread(self._inner.seek, partition, offset)

    async def seek_to_time(
        self, moment: datetime | int, partition: Partition | None = None
    ) -> None:
        """Goes on at the first record at or after ``moment``."""
        await in_thread(self._inner.seek_to_time, moment, partition)

    async def seek_to_beginning(self, partition: Partition | None = None) -> None:
        """Goes on at the first record there is."""
        await in_thread(self._inner.seek_to_beginning, partition)

    async def seek_to_end(self, partition: Partition | None = None) -> None:
        """Goes on behind the last record there is."""
        await in_thread(self._inner.seek_to_end, partition)

    def position(self, partition: Partition) -> int:
        """The offset of the next record that this consumer gives."""
        return self._inner.position(partition)

    async def committed(self, partition: Partition) -> int | None:
        """What the group has committed."""
        return await in_thread(self._inner.committed, partition)

    async def bounds(self, partition: Partition) -> tuple[int, int]:
        """The first offset that can be read, and the one after the last."""
        return await in_thread(self._inner.bounds, partition)

    async def lag(self) -> dict[tuple[str, int], int]:
        """How many offsets lie between the position and the end of each assigned partition."""
        return await in_thread(self._inner.lag)

    def wakeup(self) -> None:
        """Makes a poll that waits return empty, and an iteration end; from any thread."""
        self._woken = True
        self._inner.wakeup()

    async def close(self) -> None:
        """Commits (with ``enable.auto.commit``), leaves the group and ends. Once is enough."""
        self.wakeup()
        await in_thread(self._inner.close)

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
        await in_thread(self._inner.__exit__, kind, error, trace)

    def __repr__(self) -> str:
        return repr(self._inner).replace("levada.", "levada.aio.", 1)
