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


@pytest.mark.parametrize("failure", ["record", "checkpoint"])
@pytest.mark.parametrize("naming", ["INCREMENTING", "POOLING"])
def test_every_record_is_copied_once_over_a_failure(naming, failure, tmp_path):
    libs = jvm.jars("flink")
    classes = jvm.compiled(jvm.HERE / "flink" / "Copy.java", libs)
    with serving(tmp_path) as bootstrap:
        source, target = f"source-{tmp_path.name}", f"target-{tmp_path.name}"
        jvm.topics(bootstrap, [source, target], PARTITIONS)
        write(bootstrap, source)
        main = ["Copy", bootstrap, source, target, str(tmp_path / "checkpoints"), naming, failure]
        classpath = f"{classes}:{libs}/*"
        options = {"options": OPENED, "heap": "512m", "level": "ERROR"}
        with Program("flink", tmp_path, classpath, *main, **options) as job:
            assert job.wait(240) == 0, job.tail()
            assert job.text().count("failing ") == 1, job.tail()
        counts = collections.Counter(int(r.value()) for r in jvm.committed(bootstrap, target))
        lost = set(range(RECORDS)) - set(counts)
        twice = {number for number, count in counts.items() if count > 1}
        assert (len(lost), len(twice), len(counts)) == (0, 0, RECORDS), job.tail()
