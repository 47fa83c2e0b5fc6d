"""Languages that know nothing but C call the library: `examples/ffi`, as its README says."""

import json
import pathlib
from collections.abc import Callable

import pytest
import toolchains
from harness.installation import Library

FFI = toolchains.ROOT / "examples" / "ffi"
CACHE = toolchains.CACHE / "ffi"


def go(library: Library, scratch: pathlib.Path) -> list[str]:
    toolchains.tool("gcc", "pkg-config")
    program = toolchains.go_program(
        FFI / "go",
        scratch / "readings",
        CGO_ENABLED="1",
        PKG_CONFIG_PATH=str(library.lib / "pkgconfig"),
    )
    return [str(program)]


def node(library: Library, scratch: pathlib.Path) -> list[str]:
    return ["node", str(toolchains.node_program(FFI / "node", CACHE) / "readings.js")]


def java(library: Library, scratch: pathlib.Path) -> list[str]:
    libs = toolchains.jars(FFI / "java" / "pom.xml", CACHE, "jna")
    sources = sorted((FFI / "java").glob("*.java"))
    classes = toolchains.classes(sources, libs, libs.name, CACHE)
    return ["java", "-cp", f"{classes}:{libs}/*", "Readings"]


# Each gives the command, to which a directory is added.
LANGUAGES: dict[str, Callable[[Library, pathlib.Path], list[str]]] = {
    "Go": go,
    "Node": node,
    "Java": java,
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_writes_and_reads_and_is_called_back(
    language: str, library: Library, tmp_path: pathlib.Path
) -> None:
    try:
        command = LANGUAGES[language](library, tmp_path)
    except toolchains.Missing as missing:
        pytest.skip(f"left out: {missing}")
    said = toolchains.run(
        *command,
        str(tmp_path / "data"),
        LEVADA_LIB=str(library.shared),
        LD_LIBRARY_PATH=str(library.lib),
    )
    (line,) = said.splitlines()
    # The values are 1 to 1,000.
    assert json.loads(line) == {"language": language, "records": 1000, "sum": 500_500}
