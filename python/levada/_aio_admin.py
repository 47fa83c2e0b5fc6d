"""Topics and groups for asyncio: each call runs in one of asyncio's own threads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from . import _group, _topic
from ._convert import Offsets, SettingValue
from ._group import Member
from ._topic import TopicDescription


class Topic:
    """A topic, by name; see :class:`levada.Topic`."""

    __slots__ = ("_inner",)

    def __init__(self, inner: _topic.Topic) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        """Its name."""
        return self._inner.name

    @property
    def id(self) -> str:
        """Its lasting id, as Kafka writes it; a topic made again has another."""
        return self._inner.id

    @property
    def partitions(self) -> int:
        """How many partitions it has."""
        return self._inner.partitions

    async def config(self, *, all: bool = False) -> dict[str, str]:
        """Its settings; see :meth:`levada.Topic.config`."""
        return await asyncio.to_thread(self._inner.config, all=all)

    async def alter(self, config: Mapping[str, SettingValue]) -> None:
        """Changes settings, all or none; ``None`` is back to the default."""
        await asyncio.to_thread(self._inner.alter, config)

    async def set_partitions(self, count: int) -> None:
        """Raises the number of partitions; keys may go to other partitions from here on."""
        await asyncio.to_thread(self._inner.set_partitions, count)

    async def describe(self) -> TopicDescription:
        """Everything about it at this moment."""
        return await asyncio.to_thread(self._inner.describe)

    async def offsets(self) -> dict[int, tuple[int, int]]:
        """The first offset that can be read of each partition, and the one after the last."""
        return await asyncio.to_thread(self._inner.offsets)

    async def offsets_for_time(self, moment: datetime | int) -> dict[int, int | None]:
        """The first offset at or after ``moment`` of each partition, ``None`` without one."""
        return await asyncio.to_thread(self._inner.offsets_for_time, moment)

    async def delete_records(self, before: Mapping[int, int]) -> dict[int, int]:
        """Removes the records below an offset (-1: all) of each partition named."""
        return await asyncio.to_thread(self._inner.delete_records, before)

    async def archive(self, partition: int | None = None, *, active: bool = True) -> int:
        """Moves segments to the archive; see :meth:`levada.Topic.archive`."""
        return await asyncio.to_thread(self._inner.archive, partition, active=active)

    async def delete(self) -> None:
        """Removes the topic with its records, offsets and archive."""
        await asyncio.to_thread(self._inner.delete)

    def __repr__(self) -> str:
        return repr(self._inner).replace("levada.", "levada.aio.", 1)

    def __eq__(self, other: object) -> bool:
        return self._inner == other._inner if isinstance(other, Topic) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._inner)


class Group:
    """A consumer group, by name; see :class:`levada.Group`."""

    __slots__ = ("_inner",)

    def __init__(self, inner: _group.Group) -> None:
        self._inner = inner

    @property
    def id(self) -> str:
        """Its name."""
        return self._inner.id

    async def state(self) -> str:
        """``Empty``, ``Assigning``, ``Reconciling`` or ``Stable``."""
        return await asyncio.to_thread(lambda: self._inner.state)

    async def members(self) -> list[Member]:
        """Who reads now."""
        return await asyncio.to_thread(lambda: self._inner.members)

    async def offsets(self) -> dict[tuple[str, int], int]:
        """What it has committed: the next record to read of each partition."""
        return await asyncio.to_thread(self._inner.offsets)

    async def lag(self) -> dict[tuple[str, int], int]:
        """How many offsets lie between what it has committed and the end."""
        return await asyncio.to_thread(self._inner.lag)

    async def reset(
        self,
        to: Literal["earliest", "latest"] | datetime | Offsets,
        *,
        topic: str | Iterable[str] | None = None,
    ) -> None:
        """Sets where it reads on, durably; see :meth:`levada.Group.reset`."""
        await asyncio.to_thread(self._inner.reset, to, topic=topic)

    async def delete(self) -> None:
        """Removes the group with its offsets; nobody may read with it."""
        await asyncio.to_thread(self._inner.delete)

    def __repr__(self) -> str:
        return repr(self._inner).replace("levada.", "levada.aio.", 1)
