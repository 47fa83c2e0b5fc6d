"""Prints what the C library does as ratios to stdio and to librdkafka, all in one run.

Needs gcc and librdkafka's headers (Debian: librdkafka-dev).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from harness import compare, spread
from servers import levada

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "levada" / "clib"
RECORDS = 5_000_000
# Of what goes over a socket: enough to be past the beginning, little enough for the time of a run.
WIRE_RECORDS = 2_000_000
CALLS = 10_000_000
TOPIC = "bench"


def program() -> Path:
    """Installs the library and builds the measurements against it."""
    prefix = HOME / "prefix"
    subprocess.run(
        ["make", "install", f"PREFIX={prefix}"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )
    packages = ["pkg-config", "--cflags", "--libs", "levada", "rdkafka"]
    path = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}
    flags = subprocess.run(
        packages, env=path, check=True, capture_output=True, text=True
    ).stdout.split()
    built = HOME / "clib"
    source = ROOT / "benches" / "c" / "clib.c"
    link = [f"-Wl,-rpath,{prefix / 'lib'}", "-o", str(built)]
    subprocess.run(["gcc", "-O2", "-std=c99", str(source), *flags, *link], check=True)
    return built


class Bench:
    """One directory for all turns, its topic made anew for each that writes."""

    def __init__(self, built: Path, directory: Path) -> None:
        self.built = built
        self.directory = directory

    def run(self, what: str, where: str, count: int) -> dict[str, float]:
        command = [str(self.built), what, where, str(count)]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found: dict[str, float] = json.loads(shown)
        return found

    def rate(self, what: str, where: str | None = None, count: int = RECORDS) -> float:
        """Millions of records a second."""
        seen = self.run(what, where or str(self.directory), count)
        return seen["records"] / seen["seconds"] / 1e6

    def fresh(self, what: str) -> float:
        data = self.directory / "data"
        shutil.rmtree(data, ignore_errors=True)
        return self.rate(what, str(data))

    def read(self, what: str) -> float:
        return self.rate(what, str(self.directory / "data"))


def beside_stdio(bench: Bench) -> None:
    fwrite = partial(bench.rate, "fwrite")
    send = partial(bench.fresh, "send")
    unit = "M records/s"
    compare("send, one call a message, 100 B", unit, send, "buffered fwrite", fwrite, "0.5x")
    many = partial(bench.fresh, "send_many")
    compare("send_many, 1,000 a call", unit, many, "buffered fwrite", fwrite, "-")
    reported = partial(bench.fresh, "send_reported")
    compare("send with a delivery callback", unit, reported, "send", send, "-")
    disk = partial(bench.fresh, "send_disk")
    compare("send, durability disk", unit, disk, "send", send, "-")
    bench.fresh("send")
    fread = partial(bench.rate, "fread")
    compare("poll, every value in place", unit, partial(bench.read, "poll"), "fread", fread, "0.5x")
    columns = partial(bench.read, "poll_columns")
    compare("poll, as columns", unit, columns, "fread", fread, "-")


def beside_librdkafka(bench: Bench) -> None:
    """Against a broker of ours in another process: the fastest that there is for it here."""
    unit = "M records/s"
    with levada({"levada.durability": "cache"}) as server:
        produce = partial(bench.rate, "produce", server.servers, WIRE_RECORDS)
        compare("send", unit, partial(bench.fresh, "send"), "rd_kafka_produce", produce, "4x")
        consume = partial(bench.rate, "consume", server.servers, WIRE_RECORDS)
        poll = partial(bench.read, "poll")
        compare("poll", unit, poll, "rd_kafka_consume_batch_queue", consume, "5x")


def costs(bench: Bench) -> None:
    runs = [bench.run("calls", str(bench.directory / "data"), CALLS) for _ in range(5)]
    print("a call, ns (minimum / median / maximum)")
    for name in runs[0]:
        print(f"    {name.replace('_', ' ')}: {spread([run[name] for run in runs])}")
    empty = bench.directory / "empty"
    seen = bench.run("memory", str(empty), 0)
    mb = {name: value / 1e6 for name, value in seen.items()}
    print(
        f"memory of an open engine: {mb['used'] - mb['before']:.1f} MB (aim 10); the process {mb['before']:.1f} MB "
        f"before, {mb['opened']:.1f} opened, {mb['used']:.1f} after a durable record"
    )
    library = (HOME / "prefix" / "lib" / "liblevada.so").resolve()
    print(f"stripped shared library: {library.stat().st_size / 1e6:.1f} MB")


def main() -> None:
    built = program()
    with tempfile.TemporaryDirectory(prefix="levada-clib-") as directory:
        bench = Bench(built, Path(directory))
        beside_stdio(bench)
        beside_librdkafka(bench)
        costs(bench)


if __name__ == "__main__":
    main()
