"""The consumer."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Literal, overload

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
from ._levada import Commit, ConsumerCore

if TYPE_CHECKING:
    from typing import Self


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
    """

    def subscribe(self, *topics: str) -> None:
        """Reads these topics: with a group its share of them, without one all partitions.

        Topics that do not exist yet are read once they do. Replaces what was read before.
        """
        self._subscribe(names_of(topics))

    def subscribe_pattern(self, pattern: str) -> None:
        """Reads every topic whose whole name matches the regular expression, new ones too."""
        self._subscribe_pattern(pattern)

    def assign(self, *partitions: Partition) -> None:
        """Reads these partitions alone; no group shares them out."""
        self._assign(partitions_of(partitions, self._topics()))

    @overload
    def commit(
        self, offsets: Offsets | None = None, *, asynchronous: Literal[False] = False
    ) -> None: ...

    @overload
    def commit(
        self, offsets: Offsets | None = None, *, asynchronous: Literal[True]
    ) -> Commit | None: ...

    def commit(
        self, offsets: Offsets | None = None, *, asynchronous: bool = False
    ) -> Commit | None:
        """Commits where this consumer stands, or ``offsets``: the next to read, not the last read.

        Waits until that is durable; with ``asynchronous`` gives a :class:`Commit` instead, or
        ``None`` when there was nothing to commit.
        """
        rows = self._rows(offsets)
        if asynchronous:
            return self._commit_async(rows)
        self._commit(rows)
        return None

    def _rows(self, offsets: Offsets | None) -> list[tuple[str, int, int]] | None:
        if offsets is None:
            return None
        return offsets_of(offsets, self._topics(), self.assignment())

    def seek(self, partition: Partition, offset: int) -> None:
        """Goes on at ``offset``; :class:`OffsetOutOfRangeError` outside of the log."""
        self._seek(self._named(partition), number_of(offset, "an offset"))

    def seek_to_time(self, moment: datetime | int, partition: Partition | None = None) -> None:
        """Goes on at the first record at or after ``moment``, in one partition or in all."""
        ms = moment_of(moment)
        for name in self._chosen(partition):
            self._seek_to_time(name, ms)

    def seek_to_beginning(self, partition: Partition | None = None) -> None:
        """Goes on at the first record there is, in one partition or in all."""
        for name in self._chosen(partition):
            self._seek(name, self._bounds(name)[0])

    def seek_to_end(self, partition: Partition | None = None) -> None:
        """Goes on behind the last record there is, in one partition or in all."""
        for name in self._chosen(partition):
            self._seek(name, self._bounds(name)[1])

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
        names = partitions_of(partitions, self._topics()) if partitions else self.assignment()
        self._pause(names)

    def resume(self, *partitions: Partition) -> None:
        """Takes back a pause; none named: of all."""
        names = partitions_of(partitions, self._topics()) if partitions else self.paused()
        self._resume(names)

    def _topics(self) -> list[str]:
        topics = list(dict.fromkeys(topic for topic, _ in self.assignment()))
        return topics or self.subscription()

    def _named(self, partition: Partition) -> tuple[str, int]:
        topics = [] if isinstance(partition, tuple) else self._topics()
        return partition_of(partition, topics)

    def _chosen(self, partition: Partition | None) -> list[tuple[str, int]]:
        return self.assignment() if partition is None else [self._named(partition)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
            return
        try:
            self.close()
        except Exception as failed:
            error.add_note(f"and the consumer could not be closed: {failed}")

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
