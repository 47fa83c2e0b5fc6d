"""Programs in other languages: whether their toolchain is here, and how they are built.

That happens outside of the checkout. What package managers bring stays in a cache from run to run.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "levada"
# A first build brings packages.
SECONDS_MAX = 900


class Missing(Exception):
    """A toolchain that is not here."""


def tool(*names: str) -> None:
    for name in names:
        if shutil.which(name) is None:
            raise Missing(f"{name} is not installed")


def run(*command: str, cwd: pathlib.Path = ROOT, **environment: str) -> str:
    """What the command prints; raises with what it said when it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def digest(*files: pathlib.Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def whole(target: pathlib.Path, make: Callable[[pathlib.Path], None]) -> pathlib.Path:
    """A directory that is made once, whole or not at all: the mark is written last."""
    if not (target / ".complete").exists():
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        make(target)
        (target / ".complete").touch()
    return target


def go_program(source: pathlib.Path, target: pathlib.Path, **environment: str) -> pathlib.Path:
    """The program of a Go package, whose module is at or above `source`."""
    tool("go")
    target.parent.mkdir(parents=True, exist_ok=True)
    run("go", "build", "-o", str(target), ".", cwd=source, **environment)
    return target


def node_program(source: pathlib.Path, cache: pathlib.Path) -> pathlib.Path:
    """A directory with the scripts and with the packages that their lock file names."""
    tool("node", "npm")
    packages = sorted(source.glob("package*.json"))

    def install(target: pathlib.Path) -> None:
        for file in packages:
            shutil.copy(file, target)
        run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=target)

    target = whole(cache / f"node-{digest(*packages)}", install)
    for file in source.glob("*.js"):
        shutil.copy(file, target)
    return target


def jars(pom: pathlib.Path, cache: pathlib.Path, name: str) -> pathlib.Path:
    """The directory with the jars that the pom names."""
    tool("java", "javac", "mvn")

    def copy(target: pathlib.Path) -> None:
        options = ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
        run("mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", *options)

    return whole(cache / f"{name}-{digest(pom)}", copy)


def classes(
    sources: list[pathlib.Path], libs: pathlib.Path, version: str, cache: pathlib.Path
) -> pathlib.Path:
    """The directory with the classes of Java files; `version` is that of the jars."""
    tool("javac")

    def translate(target: pathlib.Path) -> None:
        options = ["-nowarn", "-d", str(target), "-cp", f"{libs}/*"]
        run("javac", *options, *map(str, sources))

    return whole(cache / f"{sources[0].stem}-{digest(*sources)}-{version}", translate)
