"""The suites: how each is built, what broker it wants, how it is run and what it says."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import xml.etree.ElementTree
from collections.abc import Callable

from clients_sources import CACHE, HERE, copied, crates, run, test_binaries, tool, whole

RDKAFKA = "0.39.0"
RSKAFKA = "0.6.0"
KAFKA_PYTHON = "3.0.12"

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclasses.dataclass(frozen=True)
class Suite:
    """`build` gives the version and what `run` needs.

    `run(built, bootstrap, directory)` maps each test to its outcome.
    """

    name: str
    build: Callable
    run: Callable
    settings: dict = dataclasses.field(default_factory=dict, hash=False)
    # Some tests name the address under which Kafka listens by default.
    port: int = 0
    # Whether `advertised.listeners` is set, which must name a port.
    advertised: bool = False


def limited(seconds, log, *command, cwd, **environment):
    """Runs a program whose tests may fail, for so long at most; what it printed, in a file too."""
    environment = {**os.environ, **environment}
    with open(log, "ab") as output, open(f"{log}.errors", "ab") as errors:
        program = subprocess.Popen(
            ["nice", *command], cwd=cwd, env=environment, stdout=output, stderr=errors
        )
        # What does not end has a test that failed.
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(seconds)
        program.kill()
        program.wait()
    return log.read_text(errors="replace")


# franz-go: the module that tests/compat/go names.


def build_kgo():
    tool("go")
    target = CACHE / "kgo.test"
    CACHE.mkdir(parents=True, exist_ok=True)
    module = HERE.parent / "compat" / "go"
    run("go", "test", "-c", "-o", str(target), "github.com/twmb/franz-go/pkg/kgo", cwd=module)
    shown = ("go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", "github.com/twmb/franz-go")
    version, directory = run(*shown, cwd=module).split()
    return version, (target, directory)


def run_kgo(built, bootstrap, directory):
    program, source = built
    text = limited(
        *(400, directory / "kgo.log", str(program), "-test.v", "-test.timeout=380s"),
        cwd=f"{source}/pkg/kgo",
        KGO_SEEDS=bootstrap,
        KGO_TEST_RF="1",
        # Half a million by default, which is a test of the machine.
        KGO_TEST_RECORDS="20000",
        KGO_LOG_LEVEL="none",
    )
    words = {"PASS": PASSED, "FAIL": FAILED, "SKIP": SKIPPED}
    began = re.findall(r"^=== RUN +([^\s/]+)$", text, re.MULTILINE)
    ended = re.findall(r"^--- (PASS|FAIL|SKIP): (\S+)", text, re.MULTILINE)
    return {**dict.fromkeys(began, FAILED), **{name: words[word] for word, name in ended}}


# The crates.


def rust_outcomes(programs, directory, cwd, *options, **environment):
    found = {}
    for name, program in programs.items():
        listed = subprocess.run([program, "--list"], capture_output=True, text=True, timeout=60)
        text = limited(
            *(200, directory / f"{name}.log", program, "--test-threads=2", *options),
            cwd=cwd,
            RUST_LOG="off",
            **environment,
        )
        began = re.findall(r"^(\S+): test$", listed.stdout, re.MULTILINE)
        lines = re.findall(r"^test (\S+)(?: - .*)? \.\.\. (ok|FAILED|ignored)", text, re.MULTILINE)
        words = {"ok": PASSED, "FAILED": FAILED, "ignored": SKIPPED}
        ended = {test: words[word] for test, word in lines}
        found |= {f"{name}::{test}": ended.get(test, FAILED) for test in began}
    return found


def build_rdkafka():
    source = crates("rdkafka", RDKAFKA)["rdkafka"]
    source = whole(f"rdkafka-{RDKAFKA}", lambda target: copied(source, target))
    return RDKAFKA, (source, test_binaries(source, CACHE / "rdkafka-target", "--tests"))


def run_rdkafka(built, bootstrap, directory):
    source, programs = built
    # Files that only hold helpers are programs too, without tests.
    return rust_outcomes(programs, directory, source, KAFKA_HOST=bootstrap)


def build_rskafka():
    found = crates("rskafka", RSKAFKA)["rskafka"]

    def make(target):
        copied(found, target)
        # It asks for one compiler of last year.
        (target / "rust-toolchain.toml").unlink(missing_ok=True)
        # The one in its list is refused by today's compilers.
        run("cargo", "update", "--package", "rsasl", cwd=target)

    source = whole(f"rskafka-{RSKAFKA}", make)
    chosen = [f"--test={name}" for name in ("client", "consumer", "produce_consume", "producer")]
    return RSKAFKA, (source, test_binaries(source, CACHE / "rskafka-target", *chosen))


def run_rskafka(built, bootstrap, directory):
    source, programs = built
    found = rust_outcomes(
        *(programs, directory, source),
        TEST_INTEGRATION="1",
        KAFKA_CONNECT=bootstrap,
        TEST_BROKER_IMPL="kafka",
    )
    # Those that need TEST_JAVA_INTEROPT, SOCKS5_PROXY or KAFKA_SASL_CONNECT return at once
    # without it.
    blind = re.compile(r"java|socks5|sasl|rdkafka_consume_rdkafka_nocompression")
    return {test: SKIPPED if blind.search(test) else outcome for test, outcome in found.items()}


# kafka-python: the source distribution.

# The distribution leaves out two files of its tests that those import.
SERVICE = '''"""Stands in for a file that the distribution leaves out."""


class ExternalService:
    def __init__(self, host, port):
        self.host, self.port = host, port


class SpawnedService:
    def __init__(self, *_, **__):
        raise RuntimeError("the broker is given")
'''
TOOLS = ["pytest==9.2.0", "pytest-mock==3.15.1", "pytest-timeout==2.4.0"]
CODECS = ["crc32c", "lz4", "python-snappy", "zstandard"]


def build_kafka_python():
    def make(target):
        run(sys.executable, "-m", "venv", str(target / "venv"))
        pip = str(target / "venv" / "bin" / "pip")
        run(pip, "install", "--quiet", *TOOLS, *CODECS)
        wanted = ("--no-deps", "--no-binary", ":all:", f"kafka-python=={KAFKA_PYTHON}")
        run(pip, "download", "--quiet", *wanted, "--dest", str(target))
        (archive,) = target.glob("kafka*.tar.gz")
        shutil.unpack_archive(archive, target, filter="data")
        tests = target / f"kafka_python-{KAFKA_PYTHON}" / "test"
        (tests / "__init__.py").touch()
        (tests / "service.py").write_text(SERVICE)

    target = whole(f"kafka-python-{KAFKA_PYTHON}", make)
    return KAFKA_PYTHON, target


def run_kafka_python(built, bootstrap, directory):
    report = directory / "report.xml"
    limited(
        *(300, directory / "kafka-python.log", str(built / "venv" / "bin" / "python")),
        *(
            "-m",
            "pytest",
            "test/integration",
            "--timeout=60",
            "--timeout-method=signal",
            "-p",
            "no:cacheprovider",
        ),
        *("-o", "log_level=CRITICAL", "--tb=short", f"--junitxml={report}"),
        cwd=built / f"kafka_python-{KAFKA_PYTHON}",
        KAFKA_URI=f"kafka://{bootstrap}",
        # The newest that this version knows of.
        KAFKA_VERSION="4.3",
        # Only looked for.
        KAFKA_ROOT=str(directory),
    )
    found = {}
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        file = case.get("classname").removeprefix("test.integration.")
        tags = {child.tag for child in case}
        outcome = FAILED if tags & {"failure", "error"} else SKIPPED if tags else PASSED
        found[f"{file}::{case.get('name')}"] = outcome
    return found


# librdkafka: the sources within rdkafka-sys.


def build_librdkafka():
    tool("cc", "c++", "make", "bash")
    source = crates("rdkafka", RDKAFKA)["rdkafka-sys"] / "librdkafka"
    version = source.parent.name.rpartition("+")[2]

    def make(target):
        copied(source, target)
        run("./configure", "--disable-gssapi", "--disable-curl", cwd=target)
        run("make", "-j2", "libs", cwd=target)
        run("make", "-j2", "-C", "tests", "test-runner", cwd=target)

    return version, whole(f"librdkafka-{version}", make) / "tests"


# These close sockets under the client's feet, by numbers that may be another test's meanwhile.
CLOSING = ("0049", "0068", "0075", "0076", "0088", "0094")


def run_librdkafka(built, bootstrap, directory):
    conf = directory / "test.conf"
    conf.write_text(f"metadata.broker.list={bootstrap}\ntest.topic.random=true\n")
    # They call scripts of a Kafka distribution.
    scripts = ("0052", "0077", "0109", "0115", "0119")
    # Quick ones, without those that need no broker; most of them wait most of the time.
    together = librdkafka_outcomes(
        *(built, directory, conf, 420, "-p4"), TESTS_SKIP=",".join([*scripts, *CLOSING])
    )
    alone = librdkafka_outcomes(*(built, directory, conf, 240, "-p1"), TESTS=",".join(CLOSING))
    return together | {
        name: outcome
        for name, outcome in alone.items()
        if name.startswith((*CLOSING, "test-runner"))
    }


def librdkafka_outcomes(built, directory, conf, seconds, parallel, **chosen):
    report = directory / f"report{parallel}.json"
    log = directory / f"librdkafka{parallel}.log"
    told = limited(
        *(seconds, log, "./test-runner", "-Q", "-L", parallel),
        cwd=built,
        LD_LIBRARY_PATH=f"{built.parent}/src:{built.parent}/src-cpp",
        RDKAFKA_TEST_CONF=str(conf),
        TEST_KAFKA_VERSION="4.0.0",
        TEST_REPORT=str(report),
        **chosen,
    )
    told += pathlib.Path(f"{log}.errors").read_text(errors="replace")
    told = re.sub(r"\x1b\[[0-9;]*m", "", told)
    local = re.findall(r"^\| (\S+) .*negative test flags", told, re.MULTILINE)
    if not report.exists():
        return {f"test-runner {parallel}": FAILED}
    tests = json.loads(report.read_text())["tests"]
    words = {"PASSED": PASSED, "SKIPPED": SKIPPED}
    return {
        name: words.get(test["state"], FAILED)
        for name, test in tests.items()
        if name not in ("<MAIN>", *local)
    }


def free(port=0):
    """The port, or any that is free; `None` where it is taken."""
    with socket.socket() as probing:
        probing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probing.bind(("127.0.0.1", port))
        except OSError:
            return None
        return probing.getsockname()[1]


SUITES = [
    Suite("kgo", build_kgo, run_kgo),
    Suite("rdkafka", build_rdkafka, run_rdkafka, {"num.partitions": 3}, 9092),
    Suite(
        "kafka-python", build_kafka_python, run_kafka_python, {"num.partitions": 4}, advertised=True
    ),
    Suite("rskafka", build_rskafka, run_rskafka, {"auto.create.topics.enable": "false"}),
    Suite("librdkafka", build_librdkafka, run_librdkafka, {"num.partitions": 4}),
]
