"""The two libraries give away nothing but `levada_*`, so that others can stand beside them."""

import pathlib
import re

import pytest
from harness.installation import Library, version
from harness.matrix import STATIC_NEEDS
from harness.tools import links, need, run, silent

# Names that the bundled zstd and Rust's runtime have too.
OWN_NAMES = """
#include <levada.h>
int ZSTD_compress(void);
int ZSTD_compress(void) { return 5; }
int rust_eh_personality(void);
int rust_eh_personality(void) { return 6; }
int main(void) {
    levada_database *database = 0;
    if (levada_database_open(":memory:", 0, &database, 0) != LEVADA_OK) { return 1; }
    levada_database_free(database);
    return ZSTD_compress() == 5 && rust_eh_personality() == 6 ? 0 : 2;
}
"""
# What it takes from the system's zstd must be the system's.
OWN_ZSTD = """
#include <levada.h>
#include <zstd.h>
int main(void) {
    char packed[100], bytes[] = "levada levada levada levada levada";
    size_t size = ZSTD_compress(packed, sizeof packed, bytes, sizeof bytes, 3);
    return ZSTD_isError(size) || ZSTD_versionNumber() != ZSTD_VERSION_NUMBER || !levada_version();
}
"""
# It unwinds, which is where two runtimes would meet.
OWN_RUST = """
#[unsafe(no_mangle)]
pub extern "C" fn other_caught() -> i32 {
    std::panic::set_hook(Box::new(|_| {}));
    std::panic::catch_unwind(|| panic!("caught")).map_or(7, |()| 0)
}
"""
BESIDE_RUST = """
#include <levada.h>
int other_caught(void);
int main(void) {
    levada_database *database = 0;
    if (other_caught() != 7) { return 1; }
    if (levada_database_open(":memory:", 0, &database, 0) != LEVADA_OK) { return 2; }
    levada_database_free(database);
    return other_caught() == 7 ? 0 : 3;
}
"""


def defined(path: pathlib.Path, *options: str) -> set[str]:
    """The names of global symbols, weak and unique ones too."""
    lines = run("nm", *options, "--defined-only", "--extern-only", path).splitlines()
    return {line.split()[-1] for line in lines if re.match(r"^[0-9a-f]+ \S ", line)}


def test_the_static_library_defines_no_global_symbol_of_others(library: Library) -> None:
    names = defined(library.static)
    assert "levada_version" in names
    assert [name for name in names if not name.startswith("levada_")] == []


def test_the_shared_library_exports_no_symbol_of_others(library: Library) -> None:
    names = defined(library.shared, "--dynamic")
    assert "levada_version" in names
    assert [name for name in names if not name.startswith("levada_")] == []


def test_both_libraries_have_the_same_functions(library: Library) -> None:
    assert defined(library.static) == defined(library.shared, "--dynamic")


def test_the_shared_library_says_its_name_and_stays_loaded(library: Library) -> None:
    dynamic = run("readelf", "--dynamic", library.shared)
    assert f"[liblevada.so.{version().split('.')[0]}]" in dynamic
    assert "NODELETE" in dynamic
    assert "libstdc++" not in dynamic
    assert "TEXTREL" not in dynamic
    stack = re.search(r"GNU_STACK.*\n.*", run("readelf", "--program-headers", library.shared))
    assert stack, "no header says that the stack is not executable"
    assert "RWE" not in stack[0]


def built(library: Library, directory: pathlib.Path, text: str, *libraries: str) -> pathlib.Path:
    source, program = directory / "main.c", directory / "program"
    source.write_text(text)
    # The other Rust library names functions that a C library of today may not have, from code that
    # nobody calls.
    flags = ["-I", str(library.include), "-Wl,--gc-sections"]
    run("gcc", *flags, source, *libraries, *STATIC_NEEDS, "-o", program)
    return program


@pytest.mark.parametrize("order", ["program first", "library first"])
def test_a_program_may_have_functions_of_the_same_names(
    order: str, library: Library, tmp_path: pathlib.Path
) -> None:
    need("gcc")
    source, program = tmp_path / "main.c", tmp_path / "program"
    source.write_text(OWN_NAMES)
    parts = [source, library.static]
    if order == "library first":
        parts.reverse()
    flags = ["-I", str(library.include), "-Wl,--whole-archive"]
    run("gcc", *flags, *parts, "-Wl,--no-whole-archive", *STATIC_NEEDS, "-o", program)
    silent(program)


@pytest.mark.parametrize("order", ["zstd first", "levada first"])
def test_it_stands_beside_the_zstd_of_the_system(
    order: str, library: Library, tmp_path: pathlib.Path
) -> None:
    need("gcc")
    if not links("gcc", "-l:libzstd.a"):
        pytest.skip("left out: libzstd.a is not installed")
    libraries = ["-l:libzstd.a", str(library.static)]
    if order == "levada first":
        libraries.reverse()
    silent(built(library, tmp_path, OWN_ZSTD, *libraries))


@pytest.mark.parametrize("order", ["other first", "levada first"])
def test_it_stands_beside_another_rust_library(
    order: str, library: Library, tmp_path: pathlib.Path
) -> None:
    need("gcc", "rustc")
    source, other = tmp_path / "other.rs", tmp_path / "libother.a"
    source.write_text(OWN_RUST)
    run("rustc", "--edition", "2024", "--crate-type", "staticlib", source, "-o", other)
    libraries = [str(other), str(library.static)]
    if order == "levada first":
        libraries.reverse()
    silent(built(library, tmp_path, BESIDE_RUST, *libraries))
    other.unlink()
