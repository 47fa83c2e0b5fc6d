"""Which clients there are, what each needs, and how its program is built and called."""

import dataclasses
import hashlib
import importlib.metadata
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
CACHE = (
    pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    / "levada"
    / "compat"
)
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


class Missing(Exception):
    """A toolchain that is not here."""


def tool(*names):
    for name in names:
        if shutil.which(name) is None:
            raise Missing(f"{name} is not installed")


def run(*command, cwd=HERE, **environment):
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=900,
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


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
        tool("go")
        source, target = HERE / "go", CACHE / "go"
        target.mkdir(parents=True, exist_ok=True)
        run("go", "build", "-o", str(target / program), f"./{program}", cwd=source)
        version = re.search(rf"{re.escape(module)} v(\S+)", (source / "go.mod").read_text())
        return version[1], [str(target / program)]

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
        tool("node", "npm")
        source = HERE / "node"
        lock = (source / "package-lock.json").read_bytes()
        target = CACHE / f"node-{hashlib.sha256(lock).hexdigest()[:12]}"
        target.mkdir(parents=True, exist_ok=True)
        for file in [*source.glob("*.js"), *source.glob("package*.json")]:
            shutil.copy(file, target)
        # Installed whole or not at all: the mark is written last.
        if not (target / ".installed").exists():
            run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=target)
            (target / ".installed").touch()
        version = json.loads(lock)["packages"][f"node_modules/{package}"]["version"]
        return version, ["node", str(target / program)]

    return build


def libraries():
    """Kafka's jars and the version of its client among them."""
    given = os.environ.get("LEVADA_KAFKA_LIBS")
    libs = given or run(str(ROOT / "scripts" / "kafka-libs.sh"), cwd=ROOT).strip()
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
    tool("javac")
    libs, version = libraries()
    source = HERE / "java" / "Client.java"
    target = CACHE / f"java-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}-{version}"
    if not (target / "Client.class").exists():
        run("javac", "-nowarn", "-d", str(target), "-cp", f"{libs}/*", str(source))
    return version, [*JAVA, "-cp", f"{target}:{libs}/*", "Client"]


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
