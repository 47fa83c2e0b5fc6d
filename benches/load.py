"""Builds and runs the load generator in benches/load."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RUN_SECONDS = 300


@cache
def generator() -> str:
    """The path of its release build, which lies outside the checkout."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    target = home / "levada" / "load"
    manifest = HERE / "load" / "Cargo.toml"
    command = ["cargo", "build", "--release", "--locked", "--quiet"]
    command += ["--manifest-path", str(manifest), "--target-dir", str(target)]
    subprocess.run(command, check=True)
    return str(target / "release" / "levada-load")


def words(command: str, servers: str, options: dict[str, object]) -> list[str]:
    found = [generator(), command, "--servers", servers]
    for name, value in options.items():
        found += [f"--{name}", str(value)]
    return found


def load(command: str, servers: str, **options: object) -> dict[str, Any]:
    """Runs one command to its end; what it saw."""
    run = subprocess.run(
        words(command, servers, options), stdout=subprocess.PIPE, timeout=RUN_SECONDS, check=True
    )
    return json.loads(run.stdout) if run.stdout else {}


@contextmanager
def held(command: str, servers: str, **options: object) -> Iterator[dict[str, Any]]:
    """A command that goes on until the block ends."""
    process = subprocess.Popen(
        words(command, servers, options), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load generator's {command} failed")
        yield json.loads(line)
    finally:
        process.stdin.close()
        process.wait(RUN_SECONDS)
