"""The installed copy of the library that all tests build against."""

import dataclasses
import fcntl
import os
import pathlib
import re
from collections.abc import Callable

from .tools import ROOT, run

PROFILE = os.environ.get("LEVADA_C_PROFILE") or "dev"
# Building it takes minutes where nothing is built yet.
BUILD_SECONDS_MAX = 3000


@dataclasses.dataclass(frozen=True)
class Library:
    prefix: pathlib.Path

    @property
    def include(self) -> pathlib.Path:
        return self.prefix / "include"

    @property
    def header(self) -> pathlib.Path:
        return self.include / "levada.h"

    @property
    def lib(self) -> pathlib.Path:
        return self.prefix / "lib"

    @property
    def shared(self) -> pathlib.Path:
        return self.lib / "liblevada.so"

    @property
    def static(self) -> pathlib.Path:
        return self.lib / "liblevada.a"


def version() -> str:
    """Cargo's."""
    text = (ROOT / "Cargo.toml").read_text()
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    assert found, "Cargo.toml names no version"
    return found[1]


def once(made: pathlib.Path, make: Callable[[], None]) -> None:
    """Makes a directory, however many processes ask for it."""
    with open(made.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        complete = made.with_suffix(".complete")
        if not complete.exists():
            make()
            complete.touch()


def installed(prefix: pathlib.Path) -> Library:
    once(prefix, lambda: make("install", f"PREFIX={prefix}"))
    return Library(prefix)


def make(target: str, *variables: str) -> None:
    """Through the Makefile, which knows where Cargo builds: nothing is built twice."""
    variables += (f"PROFILE={PROFILE}",)
    run("make", "--no-print-directory", target, *variables, seconds_max=BUILD_SECONDS_MAX)
