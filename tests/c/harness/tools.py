"""Commands of others: whether they are here, and how they are run."""

import os
import pathlib
import shutil
import subprocess
from collections.abc import Mapping
from typing import NoReturn

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
# What hangs is ended; the slowest, a program under valgrind, takes seconds.
SECONDS_MAX = 300
# A program must print nothing: no backtrace of a panic that it provokes. And a `make` inside of
# `make` must not take the outer one's flags.
CLEARED = ("RUST_BACKTRACE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "DESTDIR")
NOTHING: Mapping[str, str] = {}

Part = str | pathlib.Path


def need(*names: str) -> None:
    """Skips the test where a command is missing."""
    for name in names:
        if shutil.which(name) is None:
            pytest.skip(f"left out: {name} is not installed")


def links(driver: str, *flags: str) -> bool:
    """Whether the compiler makes a program with these flags: what they name may not be here."""
    language = "c++" if driver.endswith("++") else "c"
    command = [driver, "-x", language, "-", "-x", "none", *flags, "-o", "/dev/null"]
    program = "int main(void) { return 0; }"
    return attempt("sh", "-c", 'echo "$0" | "$@"', program, *command).returncode == 0


def attempt(
    *command: Part,
    cwd: pathlib.Path | None = None,
    environment: Mapping[str, str] = NOTHING,
    seconds_max: float = SECONDS_MAX,
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in CLEARED}
    return subprocess.run(
        command,
        cwd=cwd or ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=seconds_max,
    )


def run(
    *command: Part,
    cwd: pathlib.Path | None = None,
    environment: Mapping[str, str] = NOTHING,
    seconds_max: float = SECONDS_MAX,
) -> str:
    """What the command prints; fails with all that it said if it fails."""
    done = attempt(*command, cwd=cwd, environment=environment, seconds_max=seconds_max)
    if done.returncode:
        failed(command, done, done.stdout[-4000:] + done.stderr[-8000:])
    return done.stdout


def silent(
    *command: Part, cwd: pathlib.Path | None = None, environment: Mapping[str, str] = NOTHING
) -> None:
    """Runs what has to end with 0 and print nothing."""
    done = attempt(*command, cwd=cwd, environment=environment)
    said = done.stdout + done.stderr
    if done.returncode or said:
        failed(command, done, said[-12000:])


def failed(
    command: tuple[Part, ...], done: subprocess.CompletedProcess[str], said: str
) -> NoReturn:
    shown = " ".join(map(str, command))
    pytest.fail(f"{shown}\nended with {done.returncode}\n{said}", pytrace=False)
