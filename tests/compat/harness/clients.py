"""Which clients there are, what each needs, and how its program is built and called."""

import dataclasses
import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable

import toolchains
from toolchains import ROOT, Missing, run, tool

HERE = pathlib.Path(__file__).resolve().parent.parent
CACHE = toolchains.CACHE / "compat"
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def python(program, package):
    def build():
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            raise Missing(f"the package {package} is not installed") from None
        return version, [sys.executable, str(HERE / "python" / program)]

    return build


def go(program, module):
    def build():
        source = HERE / "go"
        built = toolchains.go_program(source / program, CACHE / "go" / program)
        version = re.search(rf"{re.escape(module)} v(\S+)", (source / "go.mod").read_text())
        return version[1], [str(built)]

    return build


def rust():
    tool("cargo", "cc", "make")
    source, target = HERE / "rust-rdkafka", CACHE / "rust"
    run(
        "cargo",
        "build",
        "--release",
        "--locked",
        "--quiet",
        cwd=source,
        CARGO_TARGET_DIR=str(target),
    )
    lock = (source / "Cargo.lock").read_text()
    version = re.search(r'name = "rdkafka"\nversion = "([^"]+)"', lock)
    return version[1], [str(target / "release" / "rust-rdkafka")]


def node(program, package):
    def build():
        source = HERE / "node"
        target = toolchains.node_program(source, CACHE)
        lock = json.loads((source / "package-lock.json").read_text())
        version = lock["packages"][f"node_modules/{package}"]["version"]
        return version, ["node", str(target / program)]

    return build


def libraries():
    """Kafka's jars and the version of its client among them."""
    given = os.environ.get("LEVADA_KAFKA_LIBS")
    libs = given or run(str(ROOT / "scripts" / "kafka-libs.sh")).strip()
    if not libs:
        raise Missing("java or mvn is not installed")
    found = next(pathlib.Path(libs).glob("kafka-clients-*.jar"))
    return libs, found.stem.removeprefix("kafka-clients-")


# Programs that live for seconds: the second compiler would only cost them time.
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"]


def shared_classes(libs, version):
    """An archive of the classes that the tools load, which spares them most of their start."""
    archive = CACHE / f"classes-{version}.jsa"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w") as settings:
            settings.write("default.api.timeout.ms=500\nrequest.timeout.ms=400\n")
            settings.flush()
            # Nobody answers there; it loads what it needs to ask, and that is what is wanted.
            command = [*JAVA, f"-XX:ArchiveClassesAtExit={archive}", "-cp", f"{libs}/*"]
            command += ["org.apache.kafka.tools.TopicCommand", "--bootstrap-server", "127.0.0.1:1"]
            command += ["--command-config", settings.name, "--list"]
            subprocess.run(command, capture_output=True, timeout=120)
    return [
        f"-XX:SharedArchiveFile={archive}",
        "-Xshare:auto",
        "-Xlog:cds=off",
        "-Xlog:cds+dynamic=off",
    ]


def java():
    libs, version = libraries()
    classes = toolchains.classes([HERE / "java" / "Client.java"], libs, version, CACHE)
    return version, [*JAVA, "-cp", f"{classes}:{libs}/*", "Client"]


def console():
    libs, version = libraries()
    return version, [
        sys.executable,
        str(HERE / "python" / "client_console.py"),
        f"{libs}/*",
        *JAVA,
        *shared_classes(libs, version),
    ]


def kcat():
    tool("kcat")
    shown = subprocess.run(["kcat", "-V"], capture_output=True, text=True).stdout
    version = re.search(r"Version (\S+).*librdkafka (\S+)", shown)
    label = f"{version[1]} (librdkafka {version[2]})"
    return label, [sys.executable, str(HERE / "python" / "client_kcat.py")]


@dataclasses.dataclass(frozen=True)
class Client:
    """A row of the table."""

    name: str
    # Gives the version and the program's command line, or raises `Missing`.
    build: Callable
    # What it cannot send; what it shows in another form when it reads.
    sends_no: frozenset = frozenset()
    reads_no: frozenset = frozenset()
    # Codecs of which it does not read every form.
    unread: frozenset = frozenset()
    # What it does wrong with Apache Kafka too, by column.
    limits: dict = dataclasses.field(default_factory=dict, hash=False)
    # What of the scenarios it has: the rest is "not offered".
    protocols: tuple = ("classic",)
    offers: frozenset = frozenset({"produce", "consume", "group", "transactions", "admin"})

    @property
    def slug(self):
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


BOTH = ("classic", "consumer")

CLIENTS = [
    Client("Java client", java, protocols=BOTH),
    Client(
        "Kafka's console tools",
        console,
        sends_no=frozenset({"binary", "timestamp"}),
        reads_no=frozenset({"topic", "null header"}),
        offers=frozenset({"produce", "consume", "admin"}),
    ),
    Client("confluent-kafka", python("client_confluent.py", "confluent-kafka"), protocols=BOTH),
    Client("rdkafka (Rust)", rust, protocols=BOTH),
    Client(
        "kcat",
        kcat,
        sends_no=frozenset({"binary", "null header", "timestamp"}),
        reads_no=frozenset({"null header"}),
    ),
    Client(
        "kafka-python",
        python("client_kafka_python.py", "kafka-python"),
        sends_no=frozenset({"null header"}),
    ),
    Client("aiokafka", python("client_aiokafka.py", "aiokafka")),
    Client("franz-go", go("franz", "github.com/twmb/franz-go"), protocols=BOTH),
    Client("sarama", go("sarama", "github.com/IBM/sarama")),
    Client("kafkajs", node("kafkajs.js", "kafkajs"), sends_no=frozenset({"null header"})),
    Client(
        "@platformatic/kafka",
        node("platformatic.js", "@platformatic/kafka"),
        protocols=BOTH,
        # Not in the framing that the Java client and most others write.
        unread=frozenset({"snappy"}),
        limits={
            "read_committed": "of several aborted transactions of one producer, the client leaves "
            "out only the last"
        },
    ),
]
