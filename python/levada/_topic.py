"""Topics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ._convert import Settings, SettingValue, moment_of, text_of
from ._levada import Topics

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PartitionDescription:
    """Where one partition begins and ends.

    ``start`` is the first offset that can be read (archive included), ``local_start`` the first on
    the local disk, ``end`` the one after the last that can be read; ``durable`` and ``appended``
    are the ends of what is synced and of what is written. ``size_bytes`` counts the local log.
    """

    partition: int
    start: int
    local_start: int
    end: int
    durable: int
    appended: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic at one moment."""

    name: str
    id: str
    created: datetime
    internal: bool
    config: dict[str, str]
    partitions: list[PartitionDescription]


class Topic:
    """A topic, by name. It holds nothing open; a deleted topic's raises :class:`NotFoundError`.

    >>> import levada
    >>> with levada.open(":memory:") as db:
    ...     topic = db.create_topic("orders", partitions=2, config={"retention.ms": -1})
    ...     topic.set_partitions(3)
    ...     (topic.name, topic.partitions, topic.config()["retention.ms"])
    ('orders', 3, '-1')
    """

    __slots__ = ("_core", "_name")

    def __init__(self, core: Topics, name: str) -> None:
        self._core = core
        self._name = name

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def id(self) -> str:
        """Its lasting id, as Kafka writes it; a topic made again has another."""
        return self._core.get(self._name)[0]

    @property
    def partitions(self) -> int:
        """How many partitions it has."""
        return self._core.get(self._name)[1]

    def config(self, *, all: bool = False) -> dict[str, str]:
        """Its settings by Kafka's names: those set on it, or with ``all`` every one that counts."""
        rows = self._core.config(self._name)
        return {
            name: value
            for name, value, source in rows
            if value is not None and (all or source == "own")
        }

    def alter(self, config: Mapping[str, SettingValue]) -> None:
        """Changes settings, all or none; ``None`` is back to the default."""
        changes = [(k, None if v is None else text_of(k, v)) for k, v in config.items()]
        self._core.alter(self._name, changes)

    def set_partitions(self, count: int) -> None:
        """Raises the number of partitions; keys may go to other partitions from here on."""
        self._core.set_partitions(self._name, count)

    def describe(self) -> TopicDescription:
        """Everything about it at this moment."""
        id, _, created_ms, internal = self._core.get(self._name)
        return TopicDescription(
            name=self._name,
            id=id,
            created=_EPOCH + timedelta(milliseconds=created_ms),
            internal=internal,
            config=self.config(),
            partitions=[
                PartitionDescription(number, *row)
                for number, row in enumerate(self._core.ends(self._name))
            ],
        )

    def offsets(self) -> dict[int, tuple[int, int]]:
        """The first offset that can be read of each partition, and the one after the last."""
        return {n: (row[0], row[2]) for n, row in enumerate(self._core.ends(self._name))}

    def offsets_for_time(self, moment: datetime | int) -> dict[int, int | None]:
        """The first offset at or after ``moment`` of each partition, ``None`` without one."""
        ms = moment_of(moment)
        return {
            number: self._core.offset_for_time(self._name, number, ms)
            for number in range(self.partitions)
        }

    def delete_records(self, before: Mapping[int, int]) -> dict[int, int]:
        """Removes the records below an offset (-1: all) of each partition named.

        Gives the first offset that is left.
        """
        return {
            partition: self._core.delete_records(self._name, partition, offset)
            for partition, offset in before.items()
        }

    def archive(self, partition: int | None = None, *, active: bool = True) -> int:
        """Moves segments to the archive, and gives the local bytes that went.

        With ``active`` the newest segment of each partition is sealed and goes too; without, it
        stays in the log.
        """
        return self._core.archive(self._name, partition, active)

    def delete(self) -> None:
        """Removes the topic with its records, offsets and archive."""
        self._core.delete(self._name)

    def __repr__(self) -> str:
        return f"<levada.Topic {self._name!r}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Topic):
            return NotImplemented
        return self._name == other._name and self._core is other._core

    def __hash__(self) -> int:
        return hash(self._name)


def create(
    core: Topics, name: str, partitions: int, config: Settings | None, exist_ok: bool
) -> Topic:
    """Makes a topic; with ``exist_ok`` one that is there is given as it is."""
    from ._convert import pairs_of
    from ._errors import ExistsError

    try:
        core.create(name, partitions, pairs_of(config))
    except ExistsError:
        if not exist_ok:
            raise
    return Topic(core, name)
