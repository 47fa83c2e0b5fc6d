"""An open data directory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Literal, TypeAlias
from weakref import WeakSet

from . import _topic
from ._closing import leave
from ._consumer import Consumer, OnRebalance, Topics, subscription_of
from ._convert import (
    Offsets,
    Partition,
    Settings,
    SettingValue,
    keyword_pairs,
    millis_of,
    offsets_of,
    pairs_of,
    partitions_of,
    path_of,
    warn_unclosed,
)
from ._errors import InvalidError, NotFoundError
from ._group import Group
from ._levada import Core, Scan
from ._producer import Producer
from ._server import Server, server_pairs
from ._topic import Topic

if TYPE_CHECKING:
    from typing import Self

#: Where to begin without a committed offset.
Start: TypeAlias = Literal["earliest", "latest", "none"] | datetime | Offsets

_PRODUCER_SHORT = {"compression": "compression.type"}
_CONSUMER_SHORT = {"group": "group.id", "auto_commit": "enable.auto.commit"}

#: Databases that are open; those that are left are closed when the interpreter ends.
_OPEN: WeakSet[Database] = WeakSet()


@dataclass(frozen=True, slots=True)
class JobReport:
    """How the runs of a background job went since the database was opened."""

    name: str
    runs: int
    failures: int
    bytes: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class PartitionRecovery:
    """What opening had to mend in one partition."""

    partition: str
    scanned_bytes: int
    cut_bytes: int
    cut: str | None
    rebuilt_files: int


class Database:
    """An open data directory: topics, producers, consumers, scans. Threads may share it.

    Made by :func:`levada.open`. Leaving ``with`` closes it, and what was made from it before.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        config: Settings | None = None,
        archive_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        self._path = path_of(path, "path")
        self._producers: WeakSet[Producer] = WeakSet()
        self._consumers: WeakSet[Consumer] = WeakSet()
        self._servers: WeakSet[Server] = WeakSet()
        archive = None if archive_dir is None else path_of(archive_dir, "archive_dir")
        self._core = Core(self._path, pairs_of(config), archive)
        self._topics = self._core.topics()
        self._groups = self._core.groups()
        _OPEN.add(self)

    @property
    def path(self) -> str:
        """The directory, or ``":memory:"``."""
        return self._path

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._core.closed

    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        config: Settings | None = None,
        *,
        exist_ok: bool = False,
    ) -> Topic:
        """Makes a topic; it is lasting when this returns.

        Settings have Kafka's names; durations may be ``timedelta``. With ``exist_ok`` a topic that
        is there is given as it is, whatever its settings.
        """
        return _topic.create(self._topics, name, partitions, config, exist_ok)

    def topic(self, name: str) -> Topic:
        """A topic by name; :class:`NotFoundError` when there is none."""
        self._topics.get(name)
        return Topic(self._topics, name)

    def topics(self, *, internal: bool = False) -> list[Topic]:
        """All topics by name; with ``internal`` the engine's own too."""
        return [Topic(self._topics, name) for name in self._topics.names(internal)]

    def delete_topic(self, name: str) -> None:
        """Removes a topic with its records, offsets and archive."""
        self._topics.delete(name)

    def groups(self) -> list[Group]:
        """All consumer groups by name."""
        return [self.group(id) for id in self._groups.names()]

    def group(self, id: str) -> Group:
        """A consumer group by name; it need not exist yet."""
        if not id:
            raise InvalidError("the group's name is empty: name one")
        return Group(self._groups, self._topics, id)

    def producer(self, *, config: Settings | None = None, **settings: SettingValue) -> Producer:
        """A producer. Settings have Kafka's names, as keywords with underscores for dots.

        ``compression`` is short for ``compression_type``. ``db.producer(linger_ms=20, acks="1")``.
        """
        pairs = keyword_pairs(config, settings, _PRODUCER_SHORT)
        producer = Producer(self._core, pairs)
        self._producers.add(producer)
        return producer

    def consumer(
        self,
        *topics: Topics,
        group: str | None = None,
        start: Start | None = None,
        pattern: str | re.Pattern[str] | None = None,
        partitions: Iterable[Partition] | None = None,
        auto_commit: bool | None = None,
        idle_timeout: float | None = None,
        on_assigned: OnRebalance | None = None,
        on_revoked: OnRebalance | None = None,
        on_lost: OnRebalance | None = None,
        config: Settings | None = None,
        **settings: SettingValue,
    ) -> Consumer:
        """A consumer of topics, of the topics that match a pattern, or of partitions by hand.

        ``group``: share the partitions with the others of the group, and keep offsets.
        ``start``: where to begin without a committed offset (``auto.offset.reset``): an end, a
        moment, an offset (with one partition) or offsets by partition; reading raises
        :class:`OffsetOutOfRangeError` where an offset is outside of the log. ``idle_timeout``:
        seconds without a record after which an iteration ends. ``on_assigned``, ``on_revoked``,
        ``on_lost``: see :meth:`Consumer.subscribe`. Other settings have Kafka's names, as keywords
        with underscores for dots.
        """
        named = {"group": group, "auto_commit": auto_commit}
        names, whole = subscription_of(topics, pattern)
        start_ms: int | None = None
        rows: list[tuple[str, int, int]] = []
        if isinstance(start, str):
            settings["auto_offset_reset"] = start
        elif isinstance(start, datetime):
            start_ms = millis_of(start)
        elif start is not None:
            rows = self._start_rows(start, names, partitions, whole)
        pairs = keyword_pairs(config, {**named, **settings}, _CONSUMER_SHORT)
        if whole is not None and partitions is not None:
            raise InvalidError("pattern: give topics, partitions or a pattern, not two of them")
        by_hand = None if partitions is None else self._by_hand(partitions, names)
        consumer = Consumer(self._core, pairs, start_ms, rows, idle_timeout)
        try:
            consumer._listen(on_assigned, on_revoked, on_lost)
            if by_hand is not None:
                consumer._assign(by_hand)
            elif whole is not None:
                consumer._subscribe_pattern(whole)
            elif names:
                consumer._subscribe(names)
        except BaseException:
            consumer.close()
            raise
        self._consumers.add(consumer)
        return consumer

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
        """The topic's records as one Arrow stream over archive and live log.

        ``start`` (inclusive) and ``end`` (exclusive) are moments, offsets by partition, or an
        offset where there is one partition. ``columns``: of partition, offset, timestamp, key,
        value, headers. The ends are those of the moment at which a reader begins. Keys and values
        are BinaryView, without ``view`` LargeBinary.
        """
        if isolation_level not in ("read_uncommitted", "read_committed"):
            raise InvalidError(
                f"isolation_level {isolation_level!r}: read_uncommitted or read_committed"
            )
        if isinstance(columns, str):
            raise TypeError(f"columns is str: put the names into a list, [{columns!r}]")
        numbers = None if partitions is None else list(dict.fromkeys(partitions))
        chosen = [(topic, n) for n in numbers or range(self._topics.get(topic)[1])]
        return Scan(
            self._core,
            topic,
            numbers,
            self._limit(start, topic, chosen),
            self._limit(end, topic, chosen),
            None if columns is None else list(columns),
            isolation_level == "read_committed",
            view,
        )

    @staticmethod
    def _limit(
        limit: datetime | Offsets | None, topic: str, chosen: list[tuple[str, int]]
    ) -> tuple[list[tuple[int, int]] | None, int | None]:
        if limit is None:
            return None, None
        if isinstance(limit, datetime):
            return None, millis_of(limit)
        rows = offsets_of(limit, [topic], chosen)
        for row in rows:
            if row[:2] not in chosen:
                raise InvalidError(f"an offset of {row[0]}-{row[1]}, which is not scanned")
        return [(number, offset) for _, number, offset in rows], None

    def serve(
        self,
        *,
        host: str | None = None,
        port: int | None = None,
        config: Settings | None = None,
        **settings: SettingValue,
    ) -> Server:
        """Serves Kafka's protocol, for clients in other processes. Several servers may run.

        ``port=0`` takes a free one. Without ``host`` and ``port`` the setting ``listeners`` counts,
        which is ``127.0.0.1:9092`` if not said. Other settings of the broker as keywords with
        underscores for dots, or as mapping; they go before those of :func:`levada.open`.

        Raises :class:`UnavailableError` or :class:`DeniedError` when the address cannot be had.
        """
        return self._serve(server_pairs(host, port, config, settings), owns=False)

    def _serve(self, pairs: list[tuple[str, str]], *, owns: bool) -> Server:
        server = Server(self, pairs, owns)
        self._servers.add(server)
        return server

    def run(self, job: str) -> int:
        """Runs a background job now; gives the bytes it dealt with.

        Jobs: ``roll``, ``retain``, ``compact``, ``archive``, ``checkpoint``, ``expire_offsets``,
        ``expire_producers``, ``remove``.
        """
        return self._core.run_job(job)

    def jobs(self) -> list[JobReport]:
        """How the background jobs went so far."""
        return [JobReport(*row) for row in self._core.job_reports()]

    def recovery(self) -> list[PartitionRecovery]:
        """What opening had to mend after an unclean stop; empty when nothing."""
        return [PartitionRecovery(*row) for row in self._core.recovery()[1]]

    def close(self) -> None:
        """Closes what was made from it, makes everything durable and closes. Once is enough."""
        self._close(after_failure=False)

    def _close(self, *, after_failure: bool) -> None:
        if self._core.closed:
            _OPEN.discard(self)
            return
        failed: BaseException | None = None
        # First, so that nobody outside begins what cannot be done any more.
        for server in list(self._servers):
            try:
                server.stop()
            except Exception as error:
                failed = failed or error
        children: list[Producer | Consumer] = [*self._producers, *self._consumers]
        for child in children:
            try:
                if after_failure and isinstance(child, Consumer):
                    child._close_after_failure()
                else:
                    child.close()
            except Exception as error:
                failed = failed or error
        self._core.close()
        _OPEN.discard(self)
        if failed is not None:
            raise failed

    def _start_rows(
        self,
        start: Offsets,
        topics: list[str],
        partitions: Iterable[Partition] | None,
        pattern: str | None,
    ) -> list[tuple[str, int, int]]:
        if partitions is not None:
            chosen = self._by_hand(partitions, topics)
        else:
            chosen = [(t, n) for t in topics for n in range(self._topics.get(t)[1])]
        rows = offsets_of(start, list(dict.fromkeys(t for t, _ in chosen)), chosen)
        for topic, number, _ in rows:
            if pattern is None and (topic, number) not in chosen:
                raise NotFoundError(f"start: {topic}-{number} is not among what is read")
        return rows

    @staticmethod
    def _by_hand(partitions: Iterable[Partition], topics: list[str]) -> list[tuple[str, int]]:
        return partitions_of(partitions, topics)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        leave("database", error, self.close, lambda: self._close(after_failure=True))

    def __del__(self) -> None:
        try:
            if not self._core.closed:
                warn_unclosed(self)
                self.close()
        except Exception:
            # Made before a fork, or never opened.
            return

    def __repr__(self) -> str:
        try:
            state = "closed" if self.closed else "open"
        except Exception as error:
            state = str(error)
        return f"<levada.Database {self._path!r} {state}>"


def open(
    path: str | os.PathLike[str],
    *,
    config: Settings | None = None,
    archive_dir: str | os.PathLike[str] | None = None,
) -> Database:
    """Opens (or makes) the data directory at ``path``; ``":memory:"`` is one in memory.

    ``config`` holds broker settings under Kafka's names. ``archive_dir`` is where sealed segments
    go as Parquet, ``archive`` below the directory if not said.

    Raises :class:`ConflictError` when it is open elsewhere, :class:`DeniedError` when it cannot be
    written, :class:`InvalidError` when it is no directory of Levada's, :class:`CorruptError`.

    >>> import levada
    >>> with levada.open(":memory:") as db:
    ...     topic = db.create_topic("orders", exist_ok=True)
    ...     db.topics()
    [<levada.Topic 'orders'>]
    """
    return Database(path, config=config, archive_dir=archive_dir)


def serve(
    path: str | os.PathLike[str],
    *,
    host: str | None = None,
    port: int | None = None,
    config: Settings | None = None,
    archive_dir: str | os.PathLike[str] | None = None,
    **settings: SettingValue,
) -> Server:
    """Opens a data directory as :func:`open` does and serves it; closing ends both.

    ``127.0.0.1:9092`` if nothing else is said; ``port=0`` takes a free port. Settings of the broker
    as keywords with underscores for dots, or as mapping.

    >>> import levada
    >>> with levada.serve(":memory:", port=0, num_partitions=3) as server:
    ...     topic = server.database.create_topic("orders")
    ...     (server.bootstrap, topic)  # doctest: +ELLIPSIS
    ('127.0.0.1:...', <levada.Topic 'orders'>)
    """
    pairs = server_pairs(host, port, config, settings)
    database = Database(path, config=dict(pairs), archive_dir=archive_dir)
    try:
        return database._serve([], owns=True)
    except BaseException:
        database.close()
        raise


def close_all() -> None:
    """At the end of the interpreter: nothing that was acknowledged is lost, and it is said."""
    for database in list(_OPEN):
        try:
            if not database.closed:
                warn_unclosed(database)
                # Nobody says that what was handed out last was dealt with.
                database._close(after_failure=True)
        except Exception:
            continue
