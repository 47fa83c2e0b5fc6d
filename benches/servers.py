"""The brokers that benches/broker.py compares: ours, and an Apache Kafka of one node."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180
STOP_SECONDS = 60
TICKS = os.sysconf("SC_CLK_TCK")

# The same for both: several segments in what is read.
COMMON = {"log.segment.bytes": "268435456"}

# Kafka keeps the files of a deleted topic for a minute. The next turn would write into memory that was
# not used before, which in a virtual machine costs several times the write itself; ours removes at once.
AT_ONCE = {"log.segment.delete.delay.ms": "0"}

LOG4J = """\
status = error
appender.file.type = File
appender.file.name = file
appender.file.fileName = {directory}/kafka.log
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = WARN
rootLogger.appenderRef.file.ref = file
"""

KAFKA = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={directory}/logs
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
"""

# As bin/kafka-server-start.sh and bin/kafka-run-class.sh start it.
JVM = [
    "-Xms1g",
    "-Xmx1g",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
]


@dataclass(frozen=True)
class Server:
    """A broker that runs."""

    name: str
    servers: str
    pid: int
    # From the start of the process to the first answer to Metadata.
    start_ms: float

    def cpu_seconds(self) -> float:
        """Of user and system, of all threads that are or were."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_bytes(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"{self.name} has no memory: it has ended")


def binary() -> str:
    """The release build of `levada` that is measured."""
    return os.environ.get("LEVADA_BINARY") or str(Path(sys.prefix) / "bin" / "levada")


@contextmanager
def levada(settings: Mapping[str, str], directory: Path | None = None) -> Iterator[Server]:
    """Ours; in a new directory where none is given."""
    with scratch(directory) as place:
        command = [binary(), "--dir", str(place / "levada"), "--json", "serve"]
        command += ["--listen", "127.0.0.1:0"]
        for name, value in {**COMMON, **settings}.items():
            command += ["--set", f"{name}={value}"]
        with (place / "levada.log").open("w") as log:
            started = time.perf_counter()
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        try:
            if not select.select([process.stdout], [], [], START_SECONDS)[0]:
                raise RuntimeError("levada does not say that it is ready")
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("levada ended: " + (place / "levada.log").read_text())
            servers = json.loads(line)["bootstrap"]
            if not metadata(servers):
                raise RuntimeError("levada does not answer")
            start_ms = (time.perf_counter() - started) * 1e3
            yield Server("Levada", servers, process.pid, start_ms)
        finally:
            stop(process)


@contextmanager
def kafka(settings: Mapping[str, str], directory: Path | None = None) -> Iterator[Server]:
    """Apache Kafka; in a new directory where none is given."""
    libs = kafka_libs()
    with scratch(directory) as place:
        port, controller = free_ports(2)
        properties = place / "server.properties"
        text = KAFKA.format(port=port, controller=controller, directory=place)
        given = {**COMMON, **AT_ONCE, **settings}
        lines = [f"{name}={value}\n" for name, value in given.items()]
        properties.write_text(text + "".join(lines))
        log4j = place / "log4j2.properties"
        log4j.write_text(LOG4J.format(directory=place))
        java = ["java", f"-Dlog4j2.configurationFile={log4j}", "-cp", f"{libs}/*"]
        out = place / "kafka.out"
        if not (place / "logs" / "meta.properties").exists():
            identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            tool = [*java, "kafka.tools.StorageTool", "format", "--standalone"]
            with out.open("w") as log:
                subprocess.run(
                    [*tool, "-t", identity, "-c", str(properties)],
                    stdout=log,
                    stderr=log,
                    timeout=START_SECONDS,
                    check=True,
                )
        with out.open("a") as log:
            started = time.perf_counter()
            process = subprocess.Popen(
                [java[0], *JVM, *java[1:], "kafka.Kafka", str(properties)], stdout=log, stderr=log
            )
        try:
            servers = f"127.0.0.1:{port}"
            while not metadata(servers):
                if process.poll() is not None:
                    raise RuntimeError("Kafka ended: " + out.read_text()[-2000:])
                if time.perf_counter() - started > START_SECONDS:
                    raise RuntimeError("Kafka does not answer")
                time.sleep(0.005)
            start_ms = (time.perf_counter() - started) * 1e3
            yield Server("Kafka", servers, process.pid, start_ms)
        finally:
            stop(process)


def kafka_libs() -> str:
    """The directory with Kafka's jars."""
    script = ROOT / "scripts" / "kafka-libs.sh"
    run = subprocess.run([script], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    if not run.stdout.strip():
        raise SystemExit("the peer is Apache Kafka: it needs java and mvn")
    return run.stdout.strip()


@contextmanager
def scratch(directory: Path | None) -> Iterator[Path]:
    """The given directory, or one that is gone afterwards."""
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        yield directory
        return
    place = Path(tempfile.mkdtemp(prefix="levada-bench-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def stop(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def metadata(servers: str) -> bool:
    """Whether the broker names itself in an answer to Metadata, version 1, of no topic."""
    host, _, port = servers.rpartition(":")
    request = struct.pack(">hhihi", 3, 1, 1, -1, 0)
    try:
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = b""
            while len(answer) < 12:
                more = connection.recv(4096)
                if not more:
                    return False
                answer += more
    except OSError:
        return False
    _length, _correlation, brokers = struct.unpack(">iii", answer[:12])
    return brokers > 0
