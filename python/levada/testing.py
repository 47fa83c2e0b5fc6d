"""A broker for tests: real, in this process, ready in milliseconds, and able to fail on request.

>>> import levada.testing
>>> with levada.testing.Broker() as broker:
...     topic = broker.topic()
...     d = broker.produce(topic, b"tea", key=b"42")  # clients connect to broker.bootstrap
...     [r.value for r in broker.messages(topic)]
[b'tea']

With pytest, the fixtures ``levada_broker``, ``levada_topic`` and ``levada_broker_session`` come
with the package.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from ._closing import leave
from ._convert import Settings, SettingValue, keyword_pairs
from ._database import Database, serve
from ._errors import Error, TimeoutError
from ._levada import Record, RecordMetadata
from ._producer import Producer
from ._server import Server

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Self

    from _typeshed import ReadableBuffer

__all__ = ["Broker"]

#: What tests need not wait for. Settings that are given go before.
_QUICK: dict[str, SettingValue] = {"group.initial.rebalance.delay.ms": 0}


class Broker:
    """A broker of one's own on a free port, in memory or in a directory.

    Settings of the broker are given as to :func:`levada.serve`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] = ":memory:",
        *,
        config: Settings | None = None,
        **settings: SettingValue,
    ) -> None:
        own = {**_QUICK, **dict(keyword_pairs(config, settings, {}))}
        port = None if "listeners" in own else 0
        self._server = serve(path, port=port, config=own)
        self._database = self._server.database
        # They stay the same when it is started again.
        self._listeners = self._server.listeners
        self._producer: Producer | None = None

    @property
    def bootstrap(self) -> str:
        """``host:port`` for ``bootstrap.servers``; the same after :meth:`restart`."""
        return self._server.bootstrap

    @property
    def port(self) -> int:
        """The port of the first listener."""
        return self._server.port

    @property
    def database(self) -> Database:
        """The database underneath: topics, groups, producers and consumers of this process."""
        return self._database

    @property
    def server(self) -> Server:
        """The server that runs, or ran last."""
        return self._server

    @property
    def running(self) -> bool:
        """Whether it serves; not after :meth:`kill`."""
        return not self._server.closed

    def topic(
        self, name: str | None = None, partitions: int = 1, *, config: Settings | None = None
    ) -> str:
        """Makes a topic and gives its name; without one, a name that nobody has."""
        return self._database.create_topic(name or unique("topic"), partitions, config).name

    def produce(
        self,
        topic: str,
        value: ReadableBuffer | None,
        *,
        key: ReadableBuffer | None = None,
        headers: Sequence[tuple[str, bytes | None]] | None = None,
        timestamp: int | datetime | None = None,
        partition: int | None = None,
        timeout: float = 10.0,
    ) -> RecordMetadata:
        """Sends a record from this process and waits until it is there; faults do not touch it."""
        if self._producer is None:
            self._producer = self._database.producer(linger_ms=0)
        delivery = self._producer.send(
            topic, value, key=key, headers=headers, timestamp=timestamp, partition=partition
        )
        return delivery.result(timeout)

    def messages(
        self,
        topic: str,
        count: int | None = None,
        *,
        timeout: float = 10.0,
        isolation_level: Literal["read_uncommitted", "read_committed"] = "read_committed",
    ) -> list[Record]:
        """What arrived in a topic, by partition and offset.

        With ``count`` it waits until so many are there, and raises :class:`levada.TimeoutError`
        when they are not within ``timeout`` seconds. More may be there.
        """
        deadline = time.monotonic() + timeout
        found: list[Record] = []
        with self._database.consumer(
            topic, start="earliest", isolation_level=isolation_level
        ) as consumer:
            while records := consumer.poll(timeout=0):
                found.extend(records)
            while count is not None and len(found) < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(
                        f"{len(found)} of {count} records arrived in {topic} within {timeout} s"
                    )
                found.extend(consumer.poll(timeout=left))
        return sorted(found, key=lambda record: (record.partition, record.offset))

    def pause(self) -> None:
        """Holds still: connections are accepted, requests held, nothing is answered."""
        self._server._core.pause()

    def resume(self) -> None:
        """Goes on after :meth:`pause`; what was held is answered in its order."""
        self._server._core.resume()

    def kill(self) -> None:
        """Ends as a process that is killed: connections are reset, the port is closed.

        Nothing that was begun is answered. What was acknowledged is there, and the database stays
        open.
        """
        self._server._core.kill()

    def restart(self) -> None:
        """Serves again on the same port, without faults; kills first what still runs."""
        self.kill()
        places = [f"{one.name}://{one.address}" for one in self._listeners]
        told = [
            f"{one.name}://[{one.host}]:{one.port}"
            if ":" in one.host
            else f"{one.name}://{one.host}:{one.port}"
            for one in self._listeners
        ]
        self._server = self._database.serve(listeners=places, advertised_listeners=told)

    def fail_next(self, api: str | int, error: str | int, count: int | None = 1) -> None:
        """Answers the next ``count`` requests of ``api`` with ``error``, and does not do them.

        Names are Kafka's: ``fail_next("Produce", "NOT_LEADER_OR_FOLLOWER")``; numbers do too.
        ``None`` counts for ever. Raises :class:`levada.InvalidError` for what cannot be told.
        """
        self._server._core.fail_next(str(api), str(error), count)

    def delay(self, api: str | int, seconds: float) -> None:
        """Answers to ``api`` leave so many seconds late; what is asked is done at once.

        0 ends it, also for answers that wait.
        """
        self._server._core.delay(str(api), seconds)

    def clear_faults(self) -> None:
        """Takes pauses, failures and delays back."""
        self._server._core.clear_faults()

    def reset(self) -> None:
        """As it was at first: runs, without faults, without topics and groups.

        Groups whose members are still there stay.
        """
        if self.running:
            self.clear_faults()
        else:
            self.restart()
        for topic in self._database.topics():
            self._database.delete_topic(topic.name)
        for group in self._database.groups():
            with contextlib.suppress(Error):
                group.delete()

    def close(self) -> None:
        """Ends all of it. Once is enough."""
        if self.running:
            # Whoever is still connected is not waited for.
            self._server.stop(0)
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        leave("broker", error, self.close)

    def __repr__(self) -> str:
        state = "running" if self.running else "not running"
        return f"<levada.testing.Broker {self.bootstrap} {state}>"


def unique(prefix: str) -> str:
    """A name that nobody has, of signs that a topic's name may have."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in prefix)
    return f"{plain[:150]}-{uuid.uuid4().hex[:12]}"
