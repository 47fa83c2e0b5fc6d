"""The programs in docs/c-api.md are built as the page says, and do what they say."""

import pathlib
import re

import levada
import pytest
from harness.installation import Library
from harness.matrix import STATIC_NEEDS
from harness.tools import ROOT, need, run, silent

PAGE = ROOT / "docs" / "c-api.md"
DRIVERS = {"c": "gcc", "cpp": "g++"}


def programs(language: str) -> list[str]:
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [block for block in blocks if "int main(" in block]


@pytest.mark.parametrize("language", DRIVERS)
def test_what_the_page_shows_runs(language: str, library: Library, tmp_path: pathlib.Path) -> None:
    driver = DRIVERS[language]
    need(driver)
    found = programs(language)
    assert found
    for number, text in enumerate(found):
        scratch = tmp_path / str(number)
        scratch.mkdir()
        source = scratch / f"main.{language}"
        source.write_text(text)
        program = scratch / "main"
        flags = ["-I", str(library.include), str(source), str(library.static), *STATIC_NEEDS]
        run(driver, "-Wall", "-Wextra", "-Werror", *flags, "-o", str(program))
        if language == "cpp":
            with levada.open(scratch / "data") as database:
                database.create_topic("readings")
        silent(program, cwd=scratch)
        with (
            levada.open(scratch / "data") as database,
            database.consumer("readings", start="earliest") as consumer,
        ):
            (record,) = consumer.poll(timeout=10)
            assert (record.key, record.value) == (b"boiler", b"81.5")
