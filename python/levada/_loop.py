"""Waiting in an event loop for what the engine does, without a thread a waiter."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator, Callable
from itertools import count
from typing import ParamSpec, TypeVar

from ._errors import TimeoutError
from ._levada import Bell

_T = TypeVar("_T")
_P = ParamSpec("_P")


class Waker:
    """One bell a loop: the engine rings it with the number of what is done.

    It ends with its loop: when ``asyncio.run`` shuts the loop's generators down, or, for a loop
    that is closed by hand, when the next waker is made.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._bell = Bell()
        self._numbers = count()
        #: Who waits for a number, and how often it has yet to ring.
        self._waiting: dict[int, tuple[asyncio.Future[None], int]] = {}
        loop.add_reader(self._bell.fileno(), self._rung)
        self._end = self._until_shutdown()
        # Begun, so that the loop knows it and ends it.
        with contextlib.suppress(StopIteration):
            self._end.__anext__().send(None)

    async def _until_shutdown(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            _WAKERS.pop(self._loop, None)
            self.close()

    def close(self) -> None:
        """Gives back what the loop and the bell hold. Nobody is woken any more."""
        if not self._loop.is_closed():
            self._loop.remove_reader(self._bell.fileno())
        self._bell.close()
        self._waiting.clear()

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


_WAKERS: dict[asyncio.AbstractEventLoop, Waker] = {}


def waker() -> Waker:
    """The waker of the running loop."""
    loop = asyncio.get_running_loop()
    found = _WAKERS.get(loop)
    if found is None:
        for other in list(_WAKERS):
            if other.is_closed() and (closed := _WAKERS.pop(other, None)) is not None:
                closed.close()
        found = _WAKERS[loop] = Waker(loop)
    return found


async def within(future: asyncio.Future[None], timeout: float | None) -> bool:
    """Waits for ``future`` without ever cancelling it; whether it is done."""
    done, _ = await asyncio.wait({future}, timeout=timeout)
    return bool(done)


async def in_thread(call: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Makes a short call in one of asyncio's threads.

    A call once begun is waited for, also when the waiter is cancelled: whoever comes next finds
    nobody else in the consumer or producer.
    """
    loop = asyncio.get_running_loop()
    running = loop.run_in_executor(None, functools.partial(call, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({running})
        with contextlib.suppress(Exception):
            running.result()
        raise


def late(message: str) -> TimeoutError:
    """The error of what did not happen within the caller's time."""
    error = TimeoutError(message)
    error.code = 7
    error.retriable = True
    return error
