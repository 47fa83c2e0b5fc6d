"""Consumer groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ._convert import Offsets, millis_of, offsets_of
from ._errors import InvalidError, NotFoundError, OffsetOutOfRangeError
from ._levada import Groups, Topics


@dataclass(frozen=True, slots=True)
class Member:
    """A consumer in its group."""

    id: str
    instance_id: str | None
    client_id: str
    epoch: int
    assignment: list[tuple[str, int]]


class Group:
    """A consumer group, by name.

    >>> import levada
    >>> with levada.open(":memory:") as db:
    ...     topic = db.create_topic("orders")
    ...     with db.producer() as p:
    ...         _ = p.send_many("orders", [b"1", b"2", b"3"])
    ...     with db.consumer("orders", group="billing", start="earliest") as c:
    ...         _ = c.poll(max_records=2)
    ...     group = db.group("billing")
    ...     before = group.offsets(), group.lag()
    ...     group.reset(to="earliest")
    ...     before, group.offsets()
    (({('orders', 0): 2}, {('orders', 0): 1}), {('orders', 0): 0})
    """

    __slots__ = ("_core", "_id", "_topics")

    def __init__(self, core: Groups, topics: Topics, id: str) -> None:
        self._core = core
        self._topics = topics
        self._id = id

    @property
    def id(self) -> str:
        """Its name."""
        return self._id

    @property
    def state(self) -> str:
        """``Empty``, ``Assigning``, ``Reconciling`` or ``Stable``."""
        return self._core.describe(self._id)[0]

    @property
    def members(self) -> list[Member]:
        """Who reads now."""
        return [Member(*row) for row in self._core.describe(self._id)[2]]

    def offsets(self) -> dict[tuple[str, int], int]:
        """What it has committed: the next record to read of each partition."""
        return {(topic, number): offset for topic, number, offset in self._core.offsets(self._id)}

    def lag(self) -> dict[tuple[str, int], int]:
        """How many offsets lie between what it has committed and the end."""
        return {
            (topic, number): max(0, self._topics.ends(topic)[number][2] - offset)
            for topic, number, offset in self._core.offsets(self._id)
        }

    def reset(
        self,
        to: Literal["earliest", "latest"] | datetime | Offsets,
        *,
        topic: str | Iterable[str] | None = None,
    ) -> None:
        """Sets where it reads on, durably; nobody may read with it meanwhile.

        ``to`` is an end, a moment, an offset (with one partition) or offsets by partition. It
        concerns every partition of ``topic`` (one, or several), or those that the group has
        committed to; :class:`NotFoundError` when there are none. An offset outside of the log is
        an :class:`OffsetOutOfRangeError`.
        """
        rows = self._wanted(to, self._partitions(topic))
        if not rows:
            raise NotFoundError(f"group {self._id} has committed nothing to reset: name a topic")
        for name, number, offset in rows:
            self._check(name, number, offset)
        self._core.reset(self._id, rows)

    def delete(self) -> None:
        """Removes the group with its offsets; nobody may read with it."""
        self._core.delete(self._id)

    def _check(self, topic: str, number: int, offset: int) -> None:
        partitions = self._topics.ends(topic)
        if not 0 <= number < len(partitions):
            raise NotFoundError(f"topic {topic} has no partition {number}")
        start, end = partitions[number][0], partitions[number][2]
        if not start <= offset <= end:
            raise OffsetOutOfRangeError(
                f"{topic}-{number}: offset {offset} is outside of the log, {start} to {end}"
            )

    def _partitions(self, topic: str | Iterable[str] | None) -> list[tuple[str, int]]:
        if topic is not None:
            topics = [topic] if isinstance(topic, str) else list(topic)
            return [(name, n) for name in topics for n in range(self._topics.get(name)[1])]
        return [(name, number) for name, number, _ in self._core.offsets(self._id)]

    def _wanted(
        self,
        to: Literal["earliest", "latest"] | datetime | Offsets,
        partitions: list[tuple[str, int]],
    ) -> list[tuple[str, int, int]]:
        if isinstance(to, str):
            if to not in ("earliest", "latest"):
                raise InvalidError(f"to={to!r}: earliest, latest, a datetime or offsets")
            column = 0 if to == "earliest" else 2
            return [(t, n, self._topics.ends(t)[n][column]) for t, n in partitions]
        if isinstance(to, datetime):
            ms = millis_of(to)
            rows = []
            for topic, number in partitions:
                found = self._topics.offset_for_time(topic, number, ms)
                end = self._topics.ends(topic)[number][2]
                rows.append((topic, number, end if found is None else found))
            return rows
        return offsets_of(to, list(dict.fromkeys(t for t, _ in partitions)), partitions)

    def __repr__(self) -> str:
        return f"<levada.Group {self._id!r}>"
