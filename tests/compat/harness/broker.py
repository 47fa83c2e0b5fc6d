"""The broker under test, and what the harness itself asks of it."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import confluent_kafka as ck
from confluent_kafka import admin as adm

# Short, so that a member that was killed is soon missed.
SESSION_MS = 3000
HEARTBEAT_MS = 500
SETTINGS = {
    "group.min.session.timeout.ms": 1000,
    "group.consumer.session.timeout.ms": SESSION_MS,
    "group.consumer.heartbeat.interval.ms": HEARTBEAT_MS,
    "auto.create.topics.enable": "false",
}


def binary():
    given = os.environ.get("LEVADA_BINARY")
    return given or str(pathlib.Path(sys.prefix) / "bin" / "levada")


@contextlib.contextmanager
def serving(directory, settings=None, listen="127.0.0.1:0"):
    """The bootstrap address of a broker: ours, or the one that LEVADA_COMPAT_BOOTSTRAP names."""
    if given := os.environ.get("LEVADA_COMPAT_BOOTSTRAP"):
        yield given
        return
    command = [binary(), "--dir", str(directory / "data"), "--json", "serve"]
    command += ["--listen", listen]
    for name, value in (SETTINGS if settings is None else settings).items():
        command += ["--set", f"{name}={value}"]
    with open(directory / "stderr", "wb") as errors:
        broker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
    try:
        line = broker.stdout.readline()
        if not line:
            raise RuntimeError((directory / "stderr").read_text())
        yield json.loads(line)["bootstrap"]
    finally:
        broker.send_signal(signal.SIGTERM)
        try:
            code = broker.wait(30)
        except subprocess.TimeoutExpired:
            broker.kill()
            raise
        broker.stdout.close()
        if code:
            raise RuntimeError(f"exit code {code}: {(directory / 'stderr').read_text()[-4000:]}")


def until(condition, what, seconds=30):
    """Waits for it, with a limit."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(what() if callable(what) else what)
        time.sleep(0.05)


class Harness:
    """Prepares topics and looks at results, through one client: librdkafka's."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        # At a broker that others use, names are told apart.
        self.tag = f"-{int(time.time())}" if "LEVADA_COMPAT_BOOTSTRAP" in os.environ else ""
        self.admin = adm.AdminClient({"bootstrap.servers": bootstrap})

    def create(self, names, partitions=1):
        new = [adm.NewTopic(name, partitions, 1) for name in names]
        for future in self.admin.create_topics(new, operation_timeout=20).values():
            future.result(30)

    def write(self, topic, partitions, offsets):
        producer = ck.Producer({"bootstrap.servers": self.bootstrap})
        failed = []
        for partition in range(partitions):
            for offset in offsets:
                producer.produce(
                    topic,
                    str(offset),
                    partition=partition,
                    on_delivery=lambda error, _: error and failed.append(error),
                )
        if producer.flush(20) or failed:
            raise RuntimeError(f"{topic} could not be written: {failed[:1]}")

    def committed(self, group, topic, partitions):
        asked = ck.ConsumerGroupTopicPartitions(
            group, [ck.TopicPartition(topic, p) for p in range(partitions)]
        )
        answer = self.admin.list_consumer_group_offsets([asked])[group].result(20)
        return {place.partition: place.offset for place in answer.topic_partitions}

    def end(self, topic):
        place = ck.TopicPartition(topic, 0)
        asked = self.admin.list_offsets({place: adm.OffsetSpec.latest()}, request_timeout=20)
        return asked[place].result(20).offset

    def commit(self, group, topic):
        """A group that has an offset and no members."""
        consumer = ck.Consumer({"bootstrap.servers": self.bootstrap, "group.id": group})
        try:
            consumer.commit(offsets=[ck.TopicPartition(topic, 0, 1)], asynchronous=False)
        finally:
            consumer.close()
