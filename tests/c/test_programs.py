"""Every program, built and run in every way: without a warning, without a word, without a leak."""

import pathlib

import pytest
from harness.installation import Library
from harness.matrix import Build, cases


@pytest.mark.parametrize(
    ("source", "build"),
    [pytest.param(s, b, id=f"{s.parent.name}/{s.stem}-{b.name}") for s, b in cases()],
)
def test_a_program_does_what_it_says(
    source: pathlib.Path, build: Build, library: Library, tmp_path: pathlib.Path
) -> None:
    build.need()
    program, scratch = tmp_path / "program", tmp_path / "scratch"
    scratch.mkdir()
    build.compile(source, library, program)
    build.run(program, scratch)
    # Tens of megabytes, with a library in it that was not stripped.
    program.unlink()
