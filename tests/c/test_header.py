"""The headers are good guests in anybody's program, and their comments can be read by tools."""

import itertools
import pathlib

import pytest
from harness.installation import Library
from harness.matrix import DRIVERS
from harness.tools import ROOT, need, run

HEADERS = sorted(p.relative_to(ROOT / "include") for p in (ROOT / "include").rglob("*.h*"))
STANDARDS = {"c": ("c99", "c11", "c17", "c2x"), "cpp": ("c++17", "c++20")}
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wshadow", "-Wconversion", "-Wundef")
STRICTER = {
    ("gcc", "c"): ("-Wstrict-prototypes", "-Wmissing-prototypes", "-Wwrite-strings"),
    ("gcc", "cpp"): ("-Wold-style-cast", "-Wuseless-cast", "-Wnon-virtual-dtor"),
    ("clang", "c"): ("-Wstrict-prototypes", "-Wmissing-prototypes", "-Wwrite-strings"),
    ("clang", "cpp"): ("-Wold-style-cast", "-Wnon-virtual-dtor", "-Wextra-semi"),
}
# As a program has it that uses two libraries which speak Arrow.
OTHER_ARROW = """
#include <stdint.h>
#define ARROW_C_DATA_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowSchema { void (*release)(struct ArrowSchema *); };
struct ArrowArray { void (*release)(struct ArrowArray *); };
struct ArrowArrayStream { void (*release)(struct ArrowArrayStream *); };
#include <levada.h>
"""
# Members of Arrow's structs have no comments of ours.
DOXYGEN = """
INPUT = {include}
OUTPUT_DIRECTORY = {output}
RECURSIVE = YES
EXTRACT_ALL = YES
JAVADOC_AUTOBRIEF = YES
OPTIMIZE_OUTPUT_FOR_C = YES
GENERATE_HTML = NO
GENERATE_LATEX = NO
GENERATE_XML = YES
QUIET = YES
WARN_AS_ERROR = FAIL_ON_WARNINGS
"""


def languages(header: pathlib.Path) -> tuple[str, ...]:
    return ("c", "cpp") if header.suffix == ".h" else ("cpp",)


CASES = [
    (header, compiler, language, standard)
    for header, compiler in itertools.product(HEADERS, ("gcc", "clang"))
    for language in languages(header)
    for standard in STANDARDS[language]
]


def check(library: Library, driver: str, language: str, text: str, *flags: str) -> None:
    """Compiles a text without making anything of it."""
    need(driver)
    kind = "c++" if language == "cpp" else "c"
    command = [driver, "-x", kind, *flags, "-I", str(library.include), "-fsyntax-only", "-"]
    run("sh", "-c", 'printf "%s\\n" "$0" | "$@"', text, *command)


@pytest.mark.parametrize(
    ("header", "compiler", "language", "standard"),
    [pytest.param(*c, id="-".join(map(str, c))) for c in CASES],
)
def test_a_header_alone_compiles_without_a_warning(
    header: pathlib.Path, compiler: str, language: str, standard: str, library: Library
) -> None:
    strict = (f"-std={standard}", *STRICT, *STRICTER[compiler, language])
    text = f"#include <{header}>\n#include <{header}>\n"
    check(library, DRIVERS[compiler, language], language, text, *strict)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("language", ["c", "cpp"])
def test_arrow_structs_of_another_library_are_taken(
    compiler: str, language: str, library: Library
) -> None:
    check(library, DRIVERS[compiler, language], language, OTHER_ARROW, *STRICT)


@pytest.mark.parametrize("header", HEADERS, ids=str)
def test_comments_name_what_there_is(header: pathlib.Path, library: Library) -> None:
    flags = ("-Wdocumentation", "-Wdocumentation-unknown-command", "-Werror")
    for language in languages(header):
        text = f"#include <{header}>"
        check(
            library,
            DRIVERS["clang", language],
            language,
            text,
            *flags,
            f"-std={STANDARDS[language][0]}",
        )


def test_doxygen_has_nothing_to_say(library: Library, tmp_path: pathlib.Path) -> None:
    need("doxygen")
    settings = tmp_path / "Doxyfile"
    settings.write_text(DOXYGEN.format(include=library.include, output=tmp_path))
    run("doxygen", settings, cwd=tmp_path)
    assert "levada_database_open" in (tmp_path / "xml" / "levada_8h.xml").read_text()
