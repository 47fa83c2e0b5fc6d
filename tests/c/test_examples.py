"""The programs of `examples/c` and `examples/cpp` are built as they say, and do what they say."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence

import confluent_kafka as ck
import duckdb
import levada
import pyarrow  # type: ignore[import-untyped]
import pytest
from harness.installation import Library
from harness.matrix import Build
from harness.tools import ROOT, attempt, need, run

EXAMPLES = ROOT / "examples"
#: `cc -std=c99 orders.c ... -o orders` in the comment that a program begins with.
COMMAND = re.compile(r"^\W+(c(?:c|\+\+) .+)$", re.MULTILINE)
ARCHIVED = re.compile(r"archived offsets (\d+) to (\d+) in (.+)")
SECONDS_MAX = 60


@dataclasses.dataclass(frozen=True)
class Toolchain:
    """The installed library and Arrow C++, for compilers and for programs that run."""

    installed: Library
    arrow: pathlib.Path

    @property
    def pkg_config(self) -> dict[str, str]:
        return {"PKG_CONFIG_PATH": f"{self.installed.lib / 'pkgconfig'}:{self.arrow}"}

    @property
    def environment(self) -> dict[str, str]:
        """As if all of it were where compilers look."""
        return self.pkg_config | {
            "CPATH": str(self.installed.include),
            "LIBRARY_PATH": str(self.installed.lib),
            "LD_RUN_PATH": f"{self.installed.lib}:{self.arrow}",
        }

    def build(self, source: pathlib.Path, directory: pathlib.Path) -> pathlib.Path:
        command = COMMAND.search(source.read_text())
        assert command, f"{source} does not say how it is built"
        need(command[1].split()[0], "pkg-config")
        directory.mkdir(exist_ok=True)
        shutil.copy(source, directory)
        run("sh", "-c", command[1], cwd=directory, environment=self.environment)
        return directory / source.stem


@pytest.fixture(scope="session")
def toolchain(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Toolchain:
    directory = tmp_path_factory.mktemp("arrow")
    arrow = pathlib.Path(pyarrow.get_library_dirs()[0])
    for name in ("arrow_compute", "arrow"):
        # A wheel has no name without a version.
        (found,) = (p for p in arrow.glob(f"lib{name}.so.*") if re.fullmatch(r"\.\d+", p.suffix))
        for link in (f"lib{name}.so", found.name):
            (directory / link).symlink_to(found)
    (directory / "arrow-compute.pc").write_text(
        f"Name: Arrow\nDescription: pip's\nVersion: {pyarrow.__version__}\n"
        f"Cflags: -I{pyarrow.get_include()}\nLibs: -L{directory} -larrow_compute -larrow\n"
    )
    return Toolchain(library, directory)


@pytest.fixture(scope="session")
def sensor_logger(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    directory = tmp_path_factory.mktemp("sensor")
    return toolchain.build(EXAMPLES / "c" / "sensor_logger.c", directory)


def values_of(directory: pathlib.Path, topic: str) -> list[bytes | None]:
    """What Python reads."""
    with (
        levada.open(directory) as db,
        db.consumer(topic, start="earliest", idle_timeout=0) as consumer,
    ):
        return [record.value for record in consumer]


def readings(directory: pathlib.Path) -> list[str]:
    return [(value or b"").decode() for value in values_of(directory, "readings")]


def summed(numbers: Sequence[float]) -> str:
    mean = sum(numbers) / len(numbers)
    return f"min {min(numbers):.3f} mean {mean:.3f} max {max(numbers):.3f}"


def test_sensor_logger_keeps_what_it_says(
    sensor_logger: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    directory = tmp_path / "data"
    arguments = ("--dir", directory, "--seed", "7", "--count")
    said = run(sensor_logger, *arguments, "2345").splitlines()
    texts = readings(directory)
    assert len(texts) == 2345
    assert len(set(texts)) > 100
    assert said[:2] == [
        "appended 2345 readings",
        f"of 2345 readings: {summed([float(text) for text in texts])}",
    ]
    # A second run goes on behind the first, and the seed gives the same readings again.
    said = run(sensor_logger, *arguments, "500").splitlines()
    more = readings(directory)
    assert more == texts + texts[:500]
    assert said[:2] == [
        "appended 500 readings",
        f"of 2845 readings: {summed([float(text) for text in more])}",
    ]
    # What it names are files that others read.
    files = [ARCHIVED.fullmatch(line) for line in said[2:]]
    assert [(f[1], f[2]) for f in files if f] == [("0", "2344"), ("2345", "2844")]
    paths = [f[3] for f in files if f]
    rows = duckdb.read_parquet(paths).order('"offset"').project('"offset", key, decode(value)')
    assert rows.fetchall() == [(n, b"sensor-1", text) for n, text in enumerate(more)]


def test_sensor_logger_says_why_it_failed(
    sensor_logger: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    with levada.open(tmp_path / "data"):
        done = attempt(sensor_logger, "--dir", tmp_path / "data")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("LEVADA_CONFLICT: ")
    assert str(os.getpid()) in done.stderr
    for wrong in (("--count",), ("--count", "-1"), ("--count", "many"), ("--cuont", "3")):
        done = attempt(sensor_logger, *wrong, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, ""), wrong
    assert not (tmp_path / "sensor-data").exists()


@pytest.mark.parametrize("name", ["sensor_logger", "arrow_consumer"])
def test_c_examples_are_clean_with_sanitizers(
    name: str, library: Library, tmp_path: pathlib.Path
) -> None:
    build = Build("gcc", "c99", "sanitized")
    build.need()
    program, directory = tmp_path / name, tmp_path / "data"
    build.compile(EXAMPLES / "c" / f"{name}.c", library, program)
    make_numbers(directory)
    arguments = {
        "sensor_logger": ("--dir", directory, "--count", "12345"),
        "arrow_consumer": (directory, "numbers"),
    }
    run(program, *arguments[name], environment={"ASAN_OPTIONS": "detect_leaks=1"})


def make_numbers(directory: pathlib.Path) -> list[float]:
    """A topic of several partitions, in the archive and in the log, with a value that is null."""
    numbers = [number / 8 - 100 for number in range(3000)]
    with levada.open(directory) as db:
        topic = db.create_topic("numbers", partitions=3)
        with db.producer() as producer:
            for at, number in enumerate(numbers):
                if at == 2000:
                    producer.flush()
                    topic.archive()
                producer.send("numbers", str(number).encode(), partition=at % 3)
            producer.send("numbers", None, partition=1)
    return numbers


def test_arrow_consumer_in_cpp_computes_what_is_there(
    toolchain: Toolchain, tmp_path: pathlib.Path
) -> None:
    program = toolchain.build(EXAMPLES / "cpp" / "arrow_consumer.cpp", tmp_path)
    numbers = make_numbers(tmp_path / "data")
    said = json.loads(run(program, tmp_path / "data", "numbers"))
    for way in ("scan", "poll"):
        assert said[way].pop("last_offset") in (999, 1000)
        assert said[way] == {
            "records": len(numbers) + 1,
            "min": min(numbers),
            "mean": pytest.approx(sum(numbers) / len(numbers)),
            "max": max(numbers),
        }

    with levada.open(tmp_path / "data") as db:
        db.create_topic("empty")
        db.create_topic("words")
        with db.producer() as producer:
            producer.send("words", b"tea")
    nothing = {"records": 0, "last_offset": -1, "min": None, "mean": None, "max": None}
    said = json.loads(run(program, tmp_path / "data", "empty"))
    assert said == {"scan": nothing, "poll": nothing}
    for topic, why in (("words", "tea"), ("missing", "missing")):
        done = attempt(program, tmp_path / "data", topic)
        assert (done.returncode, done.stdout) == (1, "")
        assert why in done.stderr


def test_arrow_consumer_in_c_adds_up_what_is_there(
    toolchain: Toolchain, tmp_path: pathlib.Path
) -> None:
    program = toolchain.build(EXAMPLES / "c" / "arrow_consumer.c", tmp_path)
    numbers = make_numbers(tmp_path / "data")
    said = json.loads(run(program, tmp_path / "data", "numbers"))
    assert said == {"records": len(numbers) + 1, "others": 1, "sum": sum(numbers)}
    done = attempt(program, tmp_path / "data", "missing")
    assert (done.returncode, done.stdout) == (1, "")
    assert "missing" in done.stderr


@pytest.fixture(scope="session")
def tail_service(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    directory = tmp_path_factory.mktemp("tail")
    return toolchain.build(EXAMPLES / "cpp" / "tail_service.cpp", directory)


def started(
    tail_service: pathlib.Path, directory: pathlib.Path, *arguments: str
) -> tuple[subprocess.Popen[str], str]:
    """The service, and where it says that clients connect to."""
    process = subprocess.Popen(
        (tail_service, directory, "orders", *arguments), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_tail_service_prints_what_clients_send(
    tail_service: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    process, bootstrap = started(tail_service, tmp_path / "data", "--count", "3")
    try:
        producer = ck.Producer({"bootstrap.servers": bootstrap})
        producer.produce("orders", b"tea", key=b"42", timestamp=1000)
        producer.produce("orders", b"rice", timestamp=2000, headers=[("from", b"mill")])
        producer.produce("orders", None, key=b"42", timestamp=3000)
        assert producer.flush(SECONDS_MAX) == 0
        said, _ = process.communicate(timeout=SECONDS_MAX)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert said.splitlines() == [
        "orders 0 0 1000 42 tea",
        "orders 0 1 2000 - rice from=mill",
        "orders 0 2 3000 42 -",
    ]
    assert values_of(tmp_path / "data", "orders") == [b"tea", b"rice", None]


def test_tail_service_ends_when_it_is_told_to(
    tail_service: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    process, bootstrap = started(tail_service, tmp_path / "data")
    try:
        assert bootstrap.startswith("127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=SECONDS_MAX)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, said) == (0, "")


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_cmake_builds_the_examples(
    language: str, toolchain: Toolchain, library: Library, tmp_path: pathlib.Path
) -> None:
    need("cmake", "pkg-config")
    source = EXAMPLES / language
    where = f"-DCMAKE_PREFIX_PATH={library.prefix}"
    run("cmake", "-S", source, "-B", tmp_path, where, environment=toolchain.pkg_config)
    run("cmake", "--build", tmp_path)
    for example in source.glob(f"*.{language}"):
        done = attempt(tmp_path / example.stem, "--help")
        assert done.returncode == 2
        assert "usage: " in done.stderr
