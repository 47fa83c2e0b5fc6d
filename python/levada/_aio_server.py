"""The broker's asynchronous face."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _server

if TYPE_CHECKING:
    from typing import Self

    from .aio import Database


class Server:
    """A running broker; see :class:`levada.Server`."""

    def __init__(self, inner: _server.Server, database: Database) -> None:
        self._inner = inner
        self._database = database

    @property
    def sync(self) -> _server.Server:
        """The same server for code that is not asynchronous."""
        return self._inner

    @property
    def database(self) -> Database:
        """What it serves."""
        return self._database

    @property
    def bootstrap(self) -> str:
        """``host:port`` for ``bootstrap.servers``."""
        return self._inner.bootstrap

    @property
    def port(self) -> int:
        """The port of the first listener."""
        return self._inner.port

    @property
    def listeners(self) -> list[_server.Listener]:
        """Where it listens, in the order of the setting."""
        return self._inner.listeners

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return self._inner.connections

    @property
    def closed(self) -> bool:
        """Whether it was stopped."""
        return self._inner.closed

    async def stop(self, timeout: float = _server.STOP_TIMEOUT) -> None:
        """Ends the serving; see :meth:`levada.Server.stop`."""
        await asyncio.to_thread(self._inner.stop, timeout)

    async def close(self, timeout: float = _server.STOP_TIMEOUT) -> None:
        """Stops, and closes the database if :func:`levada.aio.serve` opened it."""
        await asyncio.to_thread(self._inner.close, timeout)

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


class Serving:
    """What ``serve`` gives: to be awaited, or entered with ``async with``."""

    def __init__(
        self,
        starts: Callable[[], _server.Server],
        database: Callable[[_server.Server], Database],
    ) -> None:
        self._starts = starts
        self._database = database
        self._server: Server | None = None

    async def _start(self) -> Server:
        # A cancelled start still starts: what it started is closed, not left behind.
        task = asyncio.ensure_future(asyncio.to_thread(self._starts))
        try:
            inner = await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.to_thread((await task).close)
            raise
        return Server(inner, self._database(inner))

    def __await__(self) -> Generator[Any, None, Server]:
        return self._start().__await__()

    async def __aenter__(self) -> Server:
        self._server = await self._start()
        return self._server

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            await self._server.__aexit__(kind, error, trace)
