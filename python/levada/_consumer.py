"""The consumer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Literal, TypeAlias, overload
from weakref import ref

from ._closing import leave
from ._convert import (
    Offsets,
    Partition,
    moment_of,
    names_of,
    number_of,
    offsets_of,
    partition_of,
    partitions_of,
    warn_unclosed,
)
from ._errors import InvalidError
from ._levada import Commit, ConsumerCore, Record

if TYPE_CHECKING:
    from typing import Self

#: Topics by name, or a pattern of names.
Topics: TypeAlias = str | Iterable[str] | re.Pattern[str]


def pattern_of(pattern: str | re.Pattern[str]) -> str:
    """A pattern as the engine takes it: without flags."""
    if isinstance(pattern, str):
        return pattern
    if not isinstance(pattern.pattern, str):
        raise TypeError("a pattern of topics is of bytes, it must be of str")
    flags = re.RegexFlag(pattern.flags) & ~re.UNICODE
    if flags:
        raise InvalidError(
            f"pattern {pattern.pattern!r} of topics has flags, {flags!r}: compile it without"
        )
    return pattern.pattern


def subscription_of(
    topics: tuple[Topics, ...], pattern: str | re.Pattern[str] | None
) -> tuple[list[str], str | None]:
    """The names of topics, or the pattern, that were given in one of several ways."""
    names: list[str] = []
    for topic in topics:
        if isinstance(topic, str):
            names.append(topic)
        elif isinstance(topic, re.Pattern):
            if pattern is not None or len(topics) > 1:
                raise InvalidError("a pattern stands alone: give topics or one pattern")
            pattern = topic
        else:
            if not isinstance(topic, Iterable):
                raise TypeError(f"a topic is {type(topic).__name__}, it must be str")
            names.extend(names_of(topic))
    if pattern is None:
        return names, None
    if names:
        raise InvalidError("a pattern stands alone: give topics or one pattern")
    return names, pattern_of(pattern)


class Consumer(ConsumerCore):
    """Reads records; made by :meth:`Database.consumer`. One thread at a time.

    >>> import levada
    >>> with levada.open(":memory:") as db:
    ...     topic = db.create_topic("orders")
    ...     with db.producer() as p:
    ...         _ = p.send_many("orders", [b"tea", b"milk"])
    ...     with db.consumer("orders", start="earliest", idle_timeout=0) as c:
    ...         [r.value for r in c]
    [b'tea', b'milk']

    Iterating never ends by itself, unless ``idle_timeout`` says so or :meth:`wakeup` is called.
    Commits and positions count what the iteration has handed out, not what it has read ahead.
    Leaving ``with`` commits (with ``enable.auto.commit``); leaving it by an exception commits all
    but what was handed out last: the record, or those of the last poll, are read again.
    """

    def subscribe(
        self,
        *topics: Topics,
        pattern: str | re.Pattern[str] | None = None,
        on_assigned: OnRebalance | None = None,
        on_revoked: OnRebalance | None = None,
        on_lost: OnRebalance | None = None,
    ) -> None:
        """Reads these topics: with a group its share of them, without one all partitions.

        Topics are names, lists of names, or one pattern (``re.compile("or.*")``) that whole names
        must match. Those that do not exist yet are read once they do. Replaces what was read
        before.

        With a group, ``on_assigned(consumer, partitions)`` is called when partitions have come,
        ``on_revoked`` when some are about to go (the last moment to commit for them), ``on_lost``
        (``on_revoked`` when not given) when the group has put this consumer out. They run in the
        thread and within the call that polls, subscribes or closes, and may seek, commit and pause.
        """
        names, whole = subscription_of(topics, pattern)
        self._listen(on_assigned, on_revoked, on_lost)
        if whole is None:
            self._subscribe(names)
        else:
            self._subscribe_pattern(whole)

    def subscribe_pattern(self, pattern: str | re.Pattern[str]) -> None:
        """Reads every topic whose whole name matches the regular expression, new ones too."""
        self.subscribe(pattern=pattern)

    def assign(self, *partitions: Partition) -> None:
        """Reads these partitions alone; no group shares them out."""
        self._assign(partitions_of(partitions, self._topics()))

    @overload
    def commit(
        self, offsets: Offsets | Record | None = None, *, asynchronous: Literal[False] = False
    ) -> None: ...

    @overload
    def commit(
        self, offsets: Offsets | Record | None = None, *, asynchronous: Literal[True]
    ) -> Commit | None: ...

    def commit(
        self, offsets: Offsets | Record | None = None, *, asynchronous: bool = False
    ) -> Commit | None:
        """Commits where this consumer stands, or ``offsets``: the next to read, not the last read.

        A record commits itself and what lies before it in its partition. Waits until that is
        durable, for ``default.api.timeout.ms`` at most; with ``asynchronous`` gives a
        :class:`Commit` instead, or ``None`` when there was nothing to commit.
        """
        rows, record = self._to_commit(offsets)
        if asynchronous:
            return self._commit_async(rows, record)
        self._commit(rows, record)
        return None

    def _to_commit(
        self, offsets: Offsets | Record | None
    ) -> tuple[list[tuple[str, int, int]] | None, Record | None]:
        if offsets is None:
            return None, None
        if isinstance(offsets, Record):
            return None, offsets
        return offsets_of(offsets, self._topics(), self.assignment()), None

    def seek(self, partition: Partition, offset: int) -> None:
        """Goes on at ``offset``; :class:`OffsetOutOfRangeError` outside of the log.

        Before the first partitions of a group have come, it is kept for them (all seeks are, and
        pauses), and what lies outside of the log is told when they are read.
        """
        self._seek(self._named(partition), number_of(offset, "an offset"))

    def seek_to_time(self, moment: datetime | int, partition: Partition | None = None) -> None:
        """Goes on at the first record at or after ``moment``, in one partition or in all."""
        self._seek_to_time(self._chosen(partition), moment_of(moment))

    def seek_to_beginning(self, partition: Partition | None = None) -> None:
        """Goes on at the first record there is, in one partition or in all."""
        self._seek_to_beginning(self._chosen(partition))

    def seek_to_end(self, partition: Partition | None = None) -> None:
        """Goes on behind the last record there is, in one partition or in all."""
        self._seek_to_end(self._chosen(partition))

    def position(self, partition: Partition) -> int:
        """The offset of the next record that this consumer gives."""
        return self._position(self._named(partition))

    def committed(self, partition: Partition) -> int | None:
        """What the group has committed; ``None`` when nothing, or without a group."""
        return self._committed(self._named(partition))

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """The first offset that can be read, and the one after the last."""
        return self._bounds(self._named(partition))

    def lag(self) -> dict[tuple[str, int], int]:
        """How many offsets lie between the position and the end of each assigned partition."""
        return dict(self._lag())

    def pause(self, *partitions: Partition) -> None:
        """No records of these partitions (none named: of all) until :meth:`resume`."""
        self._pause(partitions_of(partitions, self._topics()) if partitions else None)

    def resume(self, *partitions: Partition) -> None:
        """Takes back a pause; none named: of all."""
        self._resume(partitions_of(partitions, self._topics()) if partitions else None)

    def _topics(self) -> list[str]:
        topics = list(dict.fromkeys(topic for topic, _ in self.assignment()))
        return topics or self.subscription()

    def _named(self, partition: Partition) -> tuple[str, int]:
        topics = [] if isinstance(partition, tuple) else self._topics()
        return partition_of(partition, topics)

    def _chosen(self, partition: Partition | None) -> tuple[str, int] | None:
        return None if partition is None else self._named(partition)

    def _listen(
        self,
        on_assigned: OnRebalance | None,
        on_revoked: OnRebalance | None,
        on_lost: OnRebalance | None,
    ) -> None:
        calls = {"assigned": on_assigned, "revoked": on_revoked, "lost": on_lost or on_revoked}
        if not any(calls.values()):
            self._hear(None)
            return
        # Not a reference: the engine would keep the consumer alive.
        owner = ref(self)

        def hear(what: str, partitions: list[tuple[str, int]]) -> None:
            call, consumer = calls[what], owner()
            if call is not None and consumer is not None:
                call(consumer, partitions)

        self._hear(hear)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What was handed out last is what failed: it is not committed.
        leave("consumer", error, self.close, self._close_after_failure)

    def __del__(self) -> None:
        try:
            if not self.closed:
                warn_unclosed(self)
        except Exception:
            # Made before a fork, or never made.
            return

    def __repr__(self) -> str:
        try:
            if self.closed:
                return "<levada.Consumer closed>"
            group = f" of group {self.group_id!r}" if self.group_id else ""
            return f"<levada.Consumer{group} reading {self.subscription() or self.assignment()}>"
        except Exception as error:
            return f"<levada.Consumer {error}>"


#: Told of partitions that come or go.
OnRebalance: TypeAlias = Callable[[Consumer, list[tuple[str, int]]], object]
