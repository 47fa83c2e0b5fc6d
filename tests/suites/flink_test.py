"""Flink's Kafka source and its exactly-once sink, with one failure in the middle of the job."""

import collections

import confluent_kafka as ck
import jvm
import pytest
from harness.broker import serving
from jvm import Program

RECORDS = 20_000
PARTITIONS = 4
# Flink reaches into the JDK for its own serializers.
OPENED = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in ("java.util", "java.lang")]


def write(bootstrap, topic):
    producer = ck.Producer({"bootstrap.servers": bootstrap})
    for number in range(RECORDS):
        producer.produce(topic, str(number), partition=number % PARTITIONS)
        producer.poll(0)
    assert producer.flush(60) == 0


def start(bootstrap, directory, naming, failure):
    """The job that copies all that was written; its topics are named after the directory."""
    libs = jvm.jars("flink")
    classes = jvm.compiled(jvm.HERE / "flink" / "Copy.java", libs)
    source, target = f"source-{directory.name}", f"target-{directory.name}"
    jvm.topics(bootstrap, [source, target], PARTITIONS)
    write(bootstrap, source)
    main = ["Copy", bootstrap, source, target, str(directory / "checkpoints"), naming, failure]
    options = {"options": OPENED, "heap": "512m", "level": "ERROR"}
    return target, Program("flink", directory, f"{classes}:{libs}/*", *main, **options)


def assert_each_once(bootstrap, target, job):
    counts = collections.Counter(int(r.value()) for r in jvm.committed(bootstrap, target))
    lost = set(range(RECORDS)) - set(counts)
    twice = {number for number, count in counts.items() if count > 1}
    assert (len(lost), len(twice), len(counts)) == (0, 0, RECORDS), job.tail()


@pytest.mark.parametrize("failure", ["record", "checkpoint"])
@pytest.mark.parametrize("naming", ["INCREMENTING", "POOLING"])
def test_every_record_is_copied_once_over_a_failure(naming, failure, tmp_path):
    with serving(tmp_path) as bootstrap:
        target, program = start(bootstrap, tmp_path, naming, failure)
        with program as job:
            assert job.wait(240) == 0, job.tail()
            assert job.text().count("failing ") == 1, job.tail()
        assert_each_once(bootstrap, target, job)


@pytest.mark.parametrize("naming", ["INCREMENTING", "POOLING"])
def test_every_record_is_copied_once_over_a_killed_broker(naming, tmp_path):
    with jvm.Broker(tmp_path) as broker:
        target, program = start(broker.bootstrap, tmp_path, naming, "none")
        with program as job:
            for count in (4000, 12000):
                job.says(f"{count} records")
                broker.kill()
                broker.start()
            assert job.wait(300) == 0, job.tail()
        assert_each_once(broker.bootstrap, target, job)
