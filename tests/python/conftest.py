from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import levada
import pytest


@pytest.fixture
def db() -> Iterator[levada.Database]:
    with levada.open(":memory:") as database:
        yield database


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"
