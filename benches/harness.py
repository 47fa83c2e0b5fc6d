"""Runs two things in turns and prints the ratio of their medians, with the noise of both."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

RUNS = 5
T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """One comparison: figures of ours and of the peer, run by run."""

    name: str
    unit: str
    ours: list[float]
    peer_name: str
    peer: list[float]
    aim: str

    @property
    def ratio(self) -> float:
        return statistics.median(self.ours) / statistics.median(self.peer)


def spread(values: list[float]) -> str:
    """Minimum, median and maximum."""
    return " / ".join(f"{v:,.3g}" for v in (min(values), statistics.median(values), max(values)))


def compare(
    name: str,
    unit: str,
    ours: Callable[[], float],
    peer_name: str,
    peer: Callable[[], float],
    aim: str,
    runs: int = RUNS,
) -> Row:
    """Each call gives one figure, more is better. A B A B, after one turn that is not counted."""
    pairs = turns(ours, peer, runs)
    row = Row(name, unit, [a for a, _ in pairs], peer_name, [b for _, b in pairs], aim)
    show(row)
    return row


def turns(ours: Callable[[], T], peer: Callable[[], T], runs: int) -> list[tuple[T, T]]:
    """A B A B, after one turn that is not counted."""
    ours(), peer()
    return [(ours(), peer()) for _ in range(runs)]


def show(row: Row) -> None:
    print(f"{row.name}: {row.ratio:.2f}x {row.peer_name} (aim {row.aim})")
    print(f"    ours {spread(row.ours)} {row.unit}; {row.peer_name} {spread(row.peer)} {row.unit}")
    sys.stdout.flush()
