"""Makes the golden batches anew: produces to a real Kafka broker and copies its segment files.

    python make.py HOST:PORT LOG_DIR OUT_DIR

The expected records stand in `src/record/golden.rs`. Two files come from Kafka's own tools:
`java.bin` from ConsoleProducer (lz4, null.marker=NULL, parse.key and parse.headers; its two
partitions one after the other), `metadata_snapshot.bin` from StorageTool's bootstrap checkpoint.
"""

import pathlib
import sys
import time

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

RECORDS = [
    (b"key", b"value", [("h", b"1"), ("h", b"2"), ("n", None), ("e", b"")], 1_700_000_000_000),
    (None, b"no key", [], 1_700_000_000_005),
    (b"tombstone", None, [], 1_699_999_999_000),
    (b"", b"", [("\u00e4", b"\xff\xfe")], 1_700_000_000_001),
    (b"\x00\xff\x80", b"ab" * 500, [], 1_700_000_000_000),
]


def send(producer, topic, records):
    for key, value, headers, timestamp in records:
        producer.produce(topic, value, key, 0, headers=headers, timestamp=timestamp)
    assert producer.flush(20) == 0


def main(server, logs, out):
    base = {"bootstrap.servers": server, "linger.ms": 300}
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    topics = codecs + ["idempotent", "transactions", "append_time"]
    keep = {"retention.ms": "-1"}  # or the broker drops what carries an old timestamp
    settings = {"append_time": keep | {"message.timestamp.type": "LogAppendTime"}}
    admin = AdminClient(base)
    new = [NewTopic(t, 1, 1, config=settings.get(t, keep)) for t in topics]
    for done in admin.create_topics(new).values():
        done.result(20)
    for codec in codecs:
        send(Producer(base | {"compression.type": codec}), codec, RECORDS)
    send(Producer(base | {"enable.idempotence": True}), "idempotent", RECORDS[:2])
    send(Producer(base), "append_time", RECORDS[:2])
    producer = Producer(base | {"transactional.id": "golden"})
    producer.init_transactions(20)
    for end in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        send(producer, "transactions", RECORDS[:1])
        end(20)
    time.sleep(1)
    for topic in topics:
        # Markers carry today's time, so that the broker rolls: several segments.
        segments = sorted((pathlib.Path(logs) / f"{topic}-0").glob("*.log"))
        stored = b"".join(segment.read_bytes() for segment in segments)
        (pathlib.Path(out) / f"{topic}.bin").write_bytes(stored)


main(*sys.argv[1:])
