"""From what users write to what the engine takes: settings, partitions, offsets, times."""

from __future__ import annotations

import operator
import os
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import SupportsIndex, TypeAlias

from ._errors import InvalidError

SettingValue: TypeAlias = str | int | float | bool | timedelta | list[str] | tuple[str, ...] | None
Settings: TypeAlias = Mapping[str, SettingValue]

#: A partition: its number where there is one topic, or topic and number.
Partition: TypeAlias = int | tuple[str, int]
#: Offsets by partition, or one where there is one partition.
Offsets: TypeAlias = int | Mapping[int, int] | Mapping[tuple[str, int], int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


#: What a number of a setting counts, by the end of the setting's name.
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "seconds": timedelta(seconds=1),
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
}


def text_of(name: str, value: SettingValue) -> str:
    """One setting's value as Kafka writes it; a duration counts the setting's own units."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return str(_count_of(name, value))
    if isinstance(value, (list, tuple)):
        return ",".join(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (str, int, float)):
        return str(value)
    raise TypeError(
        f"setting {name} is {type(value).__name__}, "
        "it must be str, int, float, bool, timedelta or a list of str"
    )


def _count_of(name: str, duration: timedelta) -> int:
    unit_name = name.rpartition(".")[2]
    unit = _UNITS.get(unit_name)
    if unit is None:
        raise InvalidError(f"setting {name} is no duration: give it a number or a text")
    if unit_name != "ms" and duration % unit:
        raise InvalidError(f"setting {name} counts whole {unit_name}: {duration} is none")
    return duration // unit


def pairs_of(config: Settings | None) -> list[tuple[str, str]]:
    """Settings under Kafka's names; those that are ``None`` are left out."""
    if config is None:
        return []
    if not isinstance(config, Mapping):
        raise TypeError(f"config is {type(config).__name__}, it must be a mapping of settings")
    return [(name, text_of(name, value)) for name, value in config.items() if value is not None]


def keyword_pairs(
    config: Settings | None, keywords: Mapping[str, SettingValue], short: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Settings from a mapping and from keywords, which have underscores for dots."""
    pairs = dict(pairs_of(config))
    for keyword, value in keywords.items():
        if value is None:
            continue
        name = short.get(keyword, keyword.replace("_", "."))
        if name in pairs:
            raise InvalidError(f"setting {name} is given twice")
        pairs[name] = text_of(name, value)
    return list(pairs.items())


def number_of(value: object, what: str, bits: int = 64) -> int:
    """An int, NumPy's too, that fits so many bits; ``what`` names it in errors."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise TypeError(f"{what} is {type(value).__name__}, it must be an int")
    number = operator.index(value)
    if not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
        raise InvalidError(f"{what} {number} is out of range")
    return number


def names_of(topics: Iterable[str]) -> list[str]:
    """Names of topics, one by one."""
    names = list(topics)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(
                f"a topic is {type(name).__name__}, it must be str: give the names one by one"
            )
    return names


def path_of(path: str | bytes | os.PathLike[str], what: str) -> str:
    """A path as text."""
    text = os.fsdecode(path)
    if not text or "\0" in text:
        raise InvalidError(f"{what} {text!r} is no path")
    return text


def moment_of(moment: datetime | int) -> int:
    """Milliseconds since 1970 of an aware datetime, or as they are."""
    if isinstance(moment, datetime):
        return millis_of(moment)
    try:
        return number_of(moment, "a time")
    except TypeError:
        raise TypeError(
            f"a time is {type(moment).__name__}, "
            "it must be an int of milliseconds or an aware datetime"
        ) from None


def millis_of(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime."""
    if moment.tzinfo is None:
        raise InvalidError(
            "a datetime without a time zone is ambiguous: give it one, for example timezone.utc"
        )
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def partitions_of(partitions: Iterable[Partition], topics: list[str]) -> list[tuple[str, int]]:
    """Partitions with their topics; bare numbers need a single topic."""
    return [partition_of(partition, topics) for partition in partitions]


def partition_of(partition: Partition, topics: list[str]) -> tuple[str, int]:
    """A partition with its topic; a bare number needs a single topic."""
    if isinstance(partition, tuple):
        if len(partition) != 2 or not isinstance(partition[0], str):
            raise TypeError(f"partition {partition!r} must be an int or (topic, partition)")
        return partition[0], number_of(partition[1], "a partition", 32)
    if isinstance(partition, str):
        raise TypeError(f"partition {partition!r} is str, it must be an int or (topic, partition)")
    number = number_of(partition, "a partition", 32)
    if len(topics) != 1:
        raise InvalidError(
            f"partition {number} of which topic? there are {len(topics)}: give (topic, partition)"
        )
    return topics[0], number


def offsets_of(
    offsets: Offsets, topics: list[str], partitions: list[tuple[str, int]]
) -> list[tuple[str, int, int]]:
    """Offsets with their partitions; a bare number needs a single partition."""
    if isinstance(offsets, Mapping):
        rows = []
        for partition, offset in offsets.items():
            topic, number = partition_of(partition, topics)
            rows.append((topic, number, number_of(offset, "an offset")))
        return rows
    if not hasattr(offsets, "__index__"):
        raise TypeError(
            f"offsets are {type(offsets).__name__}, "
            "they must be an int or a mapping from partitions to ints"
        )
    wanted = number_of(offsets, "an offset")
    if len(partitions) != 1:
        raise InvalidError(
            f"offset {wanted} of which partition? there are {len(partitions)}: "
            "give {partition: offset}"
        )
    topic, number = partitions[0]
    return [(topic, number, wanted)]


def warn_unclosed(what: object) -> None:
    """Says that ``what`` was let go without being closed."""
    warnings.warn(f"unclosed {what!r}", ResourceWarning, source=what, stacklevel=3)
