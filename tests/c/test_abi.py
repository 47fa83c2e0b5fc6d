"""What programs were built against stays as it was: `bindings/c/abi.txt` only grows."""

import os
import pathlib

import pytest
from harness import abi
from harness.installation import Library, version
from harness.tools import ROOT, need, run

LISTING = ROOT / "bindings" / "c" / "abi.txt"
MINOR = ".".join(version().split(".")[:2])
HEADER = """
#include <stdint.h>
#define LEVADA_H
#define LEVADA_VERSION_NUMBER 0x000100
#define LEVADA_NONE -1
enum levada_status { LEVADA_OK, LEVADA_INVALID = 1, LEVADA_NOT_FOUND };
typedef int32_t levada_status;
typedef struct levada_topic levada_topic;
typedef void (*levada_callback)(void *user_data, const levada_topic *topic);
struct ArrowArray { int64_t length; void (*release)(struct ArrowArray *); };
/** Says its name. Since 0.1. */
const char *levada_topic_name(const struct levada_topic *topic);
/** Makes one. Since
 * 0.1. */
levada_status levada_topic_create(const char *const *settings, levada_topic **out_topic);
"""
LISTED = {
    "macro LEVADA_NONE -1",
    "type struct ArrowArray { int64_t length; void(*release)(struct ArrowArray *); }",
    "type typedef int32_t levada_status",
    "type typedef levada_topic levada_topic",
    "enumerator LEVADA_INVALID = 1",
    "enumerator LEVADA_NOT_FOUND = 2",
    "enumerator LEVADA_OK = 0",
    "callback typedef void(*levada_callback)(void *, const levada_topic *)",
    "function levada_status levada_topic_create(const char *const *, levada_topic **)",
    "function const char *levada_topic_name(const levada_topic *)",
}
BREAKING = {
    "a function removed": ("const char *levada_topic_name", "static const char *levada_topic_name"),
    "a function renamed": ("levada_topic_name(", "levada_topic_title("),
    "a parameter added": ("levada_topic **out_topic)", "levada_topic **out_topic, int32_t more)"),
    "a parameter's type changed": ("void *user_data", "const void *user_data"),
    "the order of parameters changed": (
        "const char *const *settings, levada_topic **out_topic",
        "levada_topic **out_topic, const char *const *settings",
    ),
    "what a function gives changed": (
        "levada_status levada_topic_create",
        "void levada_topic_create",
    ),
    "an enumerator's number changed": ("LEVADA_INVALID = 1", "LEVADA_INVALID = 2"),
    "an enumerator put before others": ("{ LEVADA_OK,", "{ LEVADA_FIRST, LEVADA_OK,"),
    "an enumerator removed": (", LEVADA_NOT_FOUND", ""),
    "a type's width changed": ("typedef int32_t levada_status", "typedef int64_t levada_status"),
    "a type removed": ("typedef struct levada_topic levada_topic;", "struct levada_topic;"),
    "a field added": ("int64_t length;", "int64_t length; int64_t offset;"),
    "a macro's value changed": ("LEVADA_NONE -1", "LEVADA_NONE -2"),
    "a macro removed": ("#define LEVADA_NONE -1", ""),
}


@pytest.fixture
def header(tmp_path: pathlib.Path) -> pathlib.Path:
    need("gcc")
    path = tmp_path / "levada.h"
    path.write_text(HEADER)
    return path


@pytest.fixture
def listing(header: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """As it is written for the header above."""
    path = tmp_path / "abi.txt"
    path.write_text("# A comment.\n")
    abi.check(header, path, "0.1", rewrite=True)
    return path


def test_the_header_is_as_listed(library: Library) -> None:
    need("gcc")
    abi.check(library.header, LISTING, MINOR, rewrite="LEVADA_REWRITE" in os.environ)


def test_a_change_that_is_there_by_feature_alone_changes_no_declaration(library: Library) -> None:
    """Every build has every function: those of a feature that is not there say so when called."""
    need("gcc")
    assert "levada_server_start" in abi.functions(library.header)
    assert "levada_scan_new" in abi.functions(library.header)


def test_the_library_has_the_functions_that_the_header_declares(library: Library) -> None:
    need("gcc", "nm")
    lines = run("nm", "--dynamic", "--defined-only", library.shared).splitlines()
    assert {line.split()[-1] for line in lines} == abi.functions(library.header)


def test_each_function_says_since_when_it_is_there(library: Library) -> None:
    need("gcc")
    listed = {abi.key(text)[1]: since for text, since in abi.read(LISTING).items()}
    said = abi.since(library.header)
    assert said
    assert {name: since for name, since in said.items() if since != listed[name]} == {}


def test_a_list_holds_each_declaration_in_one_way(listing: pathlib.Path) -> None:
    assert set(abi.read(listing)) == LISTED
    assert set(abi.read(listing).values()) == {"0.1"}
    assert listing.read_text().startswith("# A comment.\n")


@pytest.mark.parametrize("change", BREAKING)
@pytest.mark.parametrize("rewrite", [False, True])
def test_what_breaks_programs_is_refused(
    change: str, rewrite: bool, header: pathlib.Path, listing: pathlib.Path
) -> None:
    old, new = BREAKING[change]
    assert HEADER.count(old) == 1
    before = listing.read_text()
    header.write_text(HEADER.replace(old, new))
    with pytest.raises(AssertionError, match="new soname"):
        abi.check(header, listing, "0.2", rewrite)
    assert listing.read_text() == before


def test_what_is_new_is_missed_until_it_is_listed_with_its_version(
    header: pathlib.Path, listing: pathlib.Path
) -> None:
    header.write_text(
        HEADER + "/** Ends. Since 0.2. */ void levada_topic_free(levada_topic *topic);\n"
    )
    with pytest.raises(AssertionError, match="new: function void levada_topic_free"):
        abi.check(header, listing, "0.2", rewrite=False)
    abi.check(header, listing, "0.2", rewrite=True)
    abi.check(header, listing, "0.3", rewrite=False)
    assert abi.read(listing)["function void levada_topic_free(levada_topic *)"] == "0.2"
    assert set(abi.read(listing)) - {"function void levada_topic_free(levada_topic *)"} == LISTED


def test_names_of_parameters_may_change(header: pathlib.Path, listing: pathlib.Path) -> None:
    header.write_text(HEADER.replace("out_topic", "out_made").replace("0x000100", "0x000200"))
    abi.check(header, listing, "0.2", rewrite=False)


def test_a_comment_without_a_version_is_seen(header: pathlib.Path) -> None:
    assert abi.since(header) == {"levada_topic_name": "0.1", "levada_topic_create": "0.1"}
    header.write_text(HEADER.replace("Since 0.1. */", "*/"))
    assert abi.since(header) == {"levada_topic_name": None, "levada_topic_create": "0.1"}
