"""Waiting in an event loop for what the engine does, without a thread a waiter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from weakref import WeakKeyDictionary

from ._levada import Bell


class Waker:
    """One bell a loop: the engine rings it with the number of what is done."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._bell = Bell()
        self._numbers = count()
        #: Who waits for a number, and how often it has yet to ring.
        self._waiting: dict[int, tuple[asyncio.Future[None], int]] = {}
        loop.add_reader(self._bell.fileno(), self._rung)

    def future(self, register: Callable[[Bell, int], int | None]) -> asyncio.Future[None]:
        """Done when what ``register`` left the bell with has rung (as often as it says)."""
        number = next(self._numbers)
        future: asyncio.Future[None] = self._loop.create_future()
        # Rings are taken in this thread alone, so none is missed before the entry is made.
        times = register(self._bell, number)
        if times == 0:
            future.set_result(None)
        else:
            self._waiting[number] = (future, times or 1)
        return future

    def _rung(self) -> None:
        for number in self._bell.take():
            future, times = self._waiting.pop(number)
            if times > 1:
                self._waiting[number] = (future, times - 1)
            elif not future.done():
                future.set_result(None)


_WAKERS: WeakKeyDictionary[asyncio.AbstractEventLoop, Waker] = WeakKeyDictionary()


def waker() -> Waker:
    """The waker of the running loop."""
    loop = asyncio.get_running_loop()
    found = _WAKERS.get(loop)
    if found is None:
        found = _WAKERS[loop] = Waker(loop)
    return found


async def within(future: asyncio.Future[None], timeout: float | None) -> bool:
    """Waits for ``future`` without ever cancelling it; whether it is done."""
    done, _ = await asyncio.wait({future}, timeout=timeout)
    return bool(done)
