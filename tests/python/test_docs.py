"""Every example in the documentation runs, and shows what it says."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# How many examples each has at least: a class that hides its examples would pass unseen.
MODULES = {
    "levada": 12,
    "levada._database": 4,
    "levada.aio": 3,
    "levada.testing": 2,
}
PAGES = ["docs/python.md"]


@pytest.mark.parametrize(("name", "least"), MODULES.items())
def test_docstrings(name: str, least: int) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert (failed, tried >= least) == (0, True), tried


@pytest.mark.parametrize("page", PAGES)
def test_pages(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert blocks
    # One page is one program: its blocks build on each other.
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks:
        exec(compile(block, page, "exec"), names)


def test_the_page_on_testing(pytester: pytest.Pytester) -> None:
    for package in ("confluent_kafka", "aiokafka", "faststream.kafka"):
        pytest.importorskip(package)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/testing.md").read_text(), re.DOTALL)
    page = "\n".join(blocks)
    pytester.makepyfile(test_page=page)
    pytester.makeini("[pytest]\nasyncio_mode = auto\n")
    done = pytester.runpytest_subprocess("-q", timeout=300)
    done.assert_outcomes(passed=page.count("def test_"))
