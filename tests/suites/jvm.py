"""What the suites in Java share: jars, programs that may be killed, and the broker they talk to."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import confluent_kafka as ck
import pytest
import toolchains
from confluent_kafka import admin as adm

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "compat"))

from harness.broker import binary, until  # noqa: E402

CACHE = toolchains.CACHE / "suites"


def jars(suite):
    """The directory with what the suite's pom names; skips the test where there is no Maven."""
    try:
        return toolchains.jars(HERE / suite / "pom.xml", CACHE, suite)
    except toolchains.Missing as missing:
        pytest.skip(str(missing))


def compiled(source, libs):
    """The directory with the classes of a source file."""
    return toolchains.classes([source], libs, libs.name, CACHE)


class Program:
    """A Java program whose output goes to a file, and which does not outlive the test."""

    def __init__(
        self, name, directory, classpath, *arguments, options=(), heap="256m", level="WARN"
    ):
        self.name = name
        self.log = directory / f"{name}.log"
        temporary = directory / f"{name}.tmp"
        temporary.mkdir(exist_ok=True)
        command = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"-Xmx{heap}"]
        command += [f"-Djava.io.tmpdir={temporary}", f"-Dorg.apache.logging.log4j.level={level}"]
        command += [*options, "-cp", classpath, *arguments]
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def text(self):
        return self.log.read_text(errors="replace")

    def tail(self):
        return f"{self.name}: {self.text()[-4000:]}"

    def says(self, words, seconds=120):
        """Waits until it has printed the words."""

        def seen():
            if words in self.text():
                return True
            if (code := self.process.poll()) is not None:
                raise AssertionError(f"exit code {code} before {words!r}\n{self.tail()}")
            return False

        until(seen, lambda: f"no {words!r}\n{self.tail()}", seconds)

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def stop(self, seconds=90):
        self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s\n{self.tail()}") from None


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Broker:
    """A broker of ours that may be killed: it comes back with its data, at the same address."""

    def __init__(self, directory):
        if "LEVADA_COMPAT_BOOTSTRAP" in os.environ:
            pytest.skip("a broker of others is not killed")
        self.directory = directory
        self.bootstrap = f"127.0.0.1:{free_port()}"
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        command = [binary(), "--dir", str(self.directory / "data"), "--json", "serve"]
        command += ["--listen", self.bootstrap]
        with open(self.directory / "stderr", "ab") as errors:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        if not self.process.stdout.readline():
            raise RuntimeError((self.directory / "stderr").read_text())

    def kill(self):
        self.process.kill()
        self.process.wait(30)
        self.process.stdout.close()


def no_topics(bootstrap, names):
    """Deletes those of the names that a broker of others has from an earlier run."""
    admin = adm.AdminClient({"bootstrap.servers": bootstrap})

    def left():
        return [name for name in names if name in admin.list_topics(timeout=20).topics]

    if old := left():
        for future in admin.delete_topics(old, operation_timeout=20).values():
            future.result(30)
        until(lambda: not left(), "deleted topics are still there")
    return admin


def topics(bootstrap, names, partitions):
    """Topics that are empty."""
    admin = no_topics(bootstrap, names)
    new = [adm.NewTopic(name, partitions, 1) for name in names]
    for future in admin.create_topics(new, operation_timeout=20).values():
        future.result(30)


def committed(bootstrap, topic, seconds=60):
    """Every record of the topic that a reader of committed records gets, up to its end."""
    settings = {"bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False}
    settings |= {"isolation.level": "read_committed", "enable.partition.eof": True}
    consumer = ck.Consumer({**settings, "auto.offset.reset": "earliest"})
    records = []
    with contextlib.closing(consumer):
        known = consumer.list_topics(topic, timeout=20).topics[topic].partitions
        consumer.assign([ck.TopicPartition(topic, p, ck.OFFSET_BEGINNING) for p in known])
        left, limit = set(known), time.monotonic() + seconds
        while left:
            if time.monotonic() > limit:
                raise TimeoutError(f"{topic}: {len(records)} records, no end of {sorted(left)}")
            record = consumer.poll(1)
            if record is None:
                continue
            if record.error() is None:
                records.append(record)
            elif record.error().code() == ck.KafkaError._PARTITION_EOF:
                left.discard(record.partition())
            else:
                raise ck.KafkaException(record.error())
    return records
