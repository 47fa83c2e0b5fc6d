"""A broker for Kafka's clients, on a database that is open here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from ._closing import leave
from ._convert import Settings, SettingValue, keyword_pairs, number_of, warn_unclosed
from ._errors import InvalidError
from ._levada import ServerCore

if TYPE_CHECKING:
    from typing import Self

    from ._database import Database

#: How long a stop waits for requests that were begun, in seconds.
STOP_TIMEOUT = 5.0
HOST, PORT = "127.0.0.1", 9092


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a server listens: the address it is bound to, the host and port clients are told."""

    name: str
    address: str
    host: str
    port: int


def server_pairs(
    host: str | None,
    port: int | None,
    config: Settings | None,
    settings: Mapping[str, SettingValue],
) -> list[tuple[str, str]]:
    """Settings of a server; a host or a port make its only listener."""
    pairs = dict(keyword_pairs(config, settings, {}))
    if host is not None or port is not None:
        if "listeners" in pairs:
            raise InvalidError("listeners say host and port: give those or listeners, not both")
        number = PORT if port is None else number_of(port, "port", 32)
        if not 0 <= number <= 65535:
            raise InvalidError(
                f"port {number} is none: give one from 0 (any that is free) to 65535"
            )
        name = HOST if host is None else host
        bare = ":" in name and not name.startswith("[")
        pairs["listeners"] = f"[{name}]:{number}" if bare else f"{name}:{number}"
    return list(pairs.items())


class Server:
    """A running broker; made by :meth:`Database.serve` and :func:`levada.serve`.

    Clients of Kafka connect to ``bootstrap``; producers and consumers of this process see the same
    topics.

    >>> import levada
    >>> with levada.open(":memory:") as db, db.serve(port=0) as server:
    ...     server.bootstrap == f"127.0.0.1:{server.port}"
    True

    Leaving ``with`` stops it, and closes the database that :func:`levada.serve` opened.
    """

    def __init__(self, database: Database, pairs: list[tuple[str, str]], owns: bool) -> None:
        self._database = database
        self._owns = owns
        self._core = ServerCore(database._core, pairs)

    @property
    def database(self) -> Database:
        """What it serves."""
        return self._database

    @property
    def bootstrap(self) -> str:
        """``host:port`` for ``bootstrap.servers``."""
        return self._core.bootstrap

    @property
    def port(self) -> int:
        """The port of the first listener."""
        return self._core.listeners[0][3]

    @property
    def listeners(self) -> list[Listener]:
        """Where it listens, in the order of the setting."""
        return [Listener(*row) for row in self._core.listeners]

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return self._core.connections

    @property
    def closed(self) -> bool:
        """Whether it was stopped."""
        return self._core.closed

    def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """Ends the serving; the database stays open. Once is enough.

        What was begun is answered within ``timeout`` seconds, then connections are cut off.
        """
        self._core.stop(timeout)

    def close(self, timeout: float = STOP_TIMEOUT) -> None:
        """Stops, and closes the database if :func:`levada.serve` opened it."""
        self._close(timeout, after_failure=False)

    def _close(self, timeout: float, *, after_failure: bool) -> None:
        self.stop(timeout)
        if self._owns:
            self._database._close(after_failure=after_failure)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        leave("server", error, self.close, lambda: self._close(STOP_TIMEOUT, after_failure=True))

    def __del__(self) -> None:
        try:
            if not self.closed:
                warn_unclosed(self)
                self.close()
        except Exception:
            # Made before a fork, or never started.
            return

    def __repr__(self) -> str:
        try:
            state = f"{self.bootstrap} {'closed' if self.closed else 'open'}"
        except Exception as error:
            state = str(error)
        return f"<levada.Server {state}>"
