"""The sources of clients as their package managers deliver them, in a cache."""

import json
import pathlib
import shutil

import toolchains
from toolchains import run, tool

HERE = pathlib.Path(__file__).resolve().parent
CACHE = toolchains.CACHE / "suites"


def whole(name, make):
    """The directory `name` of the cache, made once."""
    return toolchains.whole(CACHE / name, make)


def crates(name, version):
    """Maps each crate that `name` needs to the directory in which Cargo unpacked it."""
    tool("cargo")
    asking = CACHE / f"fetch-{name}-{version}"
    asking.mkdir(parents=True, exist_ok=True)
    (asking / "lib.rs").touch()
    package = '[package]\nname = "fetch"\nedition = "2021"\n[lib]\npath = "lib.rs"\n'
    wanted = f'[dependencies]\n{name} = "={version}"\n'
    (asking / "Cargo.toml").write_text(package + wanted)
    found = json.loads(run("cargo", "metadata", "--format-version", "1", "--quiet", cwd=asking))
    return {p["name"]: pathlib.Path(p["manifest_path"]).parent for p in found["packages"]}


def copied(source, target):
    """A copy that can be built in; what Cargo unpacked is for reading."""
    shutil.copytree(source, target, dirs_exist_ok=True)


def test_binaries(source, target, *options):
    """Builds a crate's tests; maps the name of each test file to its program."""
    tool("cargo", "cc", "make")
    told = run(
        *("cargo", "test", "--no-run", "--locked", "--message-format=json", *options),
        cwd=source,
        CARGO_TARGET_DIR=str(target),
    )
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    built = [line for line in lines if line.get("executable") and line["profile"]["test"]]
    return {line["target"]["name"]: line["executable"] for line in built}
