"""The checks that programs go through find what they are for."""

import pathlib

import pytest
from harness.installation import Library
from harness.matrix import BUILDS, Build

LEAK = """
#include <levada.h>
#include <stdlib.h>
int main(void) {
    volatile char *kept = malloc(7);
    kept[0] = (char)levada_version_number();
    kept = NULL;
    return 0;
}
"""
OVERRUN = """
#include <levada.h>
#include <stdlib.h>
int main(void) {
    volatile char *bytes = malloc(7);
    volatile size_t at = 7 + levada_handle_count();
    if (bytes[at] == 'x') { bytes[0] = 'y'; }
    free((void *)bytes);
    return 0;
}
"""
OVERFLOW = """
#include <levada.h>
#include <limits.h>
int main(void) {
    volatile int most = INT_MAX;
    most = most + 1;
    return levada_version_number() == 0;
}
"""
FAILURE = """
#include <levada.h>
int main(void) { return levada_version_number() != 0; }
"""
WORDS = """
#include <levada.h>
#include <stdio.h>
int main(void) { puts(levada_version()); return 0; }
"""
WARNING = """
#include <levada.h>
int main(void) {
    size_t count = levada_handle_count();
    int narrow = count;
    return narrow;
}
"""


def of_mode(*modes: str) -> list[Build]:
    return [build for build in BUILDS["c"] if build.mode in modes]


CASES = [
    *[("leak", LEAK, build) for build in of_mode("sanitized", "valgrind")],
    *[("overrun", OVERRUN, build) for build in of_mode("sanitized", "valgrind")],
    *[("overflow", OVERFLOW, build) for build in of_mode("sanitized")],
    *[("failure", FAILURE, build) for build in BUILDS["c"]],
    *[("words", WORDS, build) for build in of_mode("plain")],
]


@pytest.mark.parametrize(
    ("text", "build"), [pytest.param(t, b, id=f"{name}-{b.name}") for name, t, b in CASES]
)
def test_a_defect_is_found_when_the_program_runs(
    text: str, build: Build, library: Library, tmp_path: pathlib.Path
) -> None:
    build.need()
    source, program = tmp_path / "canary.c", tmp_path / "canary"
    source.write_text(text)
    build.compile(source, library, program)
    with pytest.raises(pytest.fail.Exception):
        build.run(program, tmp_path)
    program.unlink()


@pytest.mark.parametrize("build", of_mode("plain"), ids=lambda build: build.name)
def test_a_warning_is_found_when_the_program_is_built(
    build: Build, library: Library, tmp_path: pathlib.Path
) -> None:
    build.need()
    source = tmp_path / "canary.c"
    source.write_text(WARNING)
    with pytest.raises(pytest.fail.Exception, match="onversion"):
        build.compile(source, library, tmp_path / "canary")
