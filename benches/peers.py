"""The peers that rows are compared with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, Producer


@contextmanager
def mock_cluster() -> Iterator[tuple[Producer, str]]:
    """librdkafka's in-process mock broker, alive as long as its producer."""
    config = {
        "bootstrap.servers": "127.0.0.1:1",
        "test.mock.num.brokers": 1,
        "linger.ms": 5,
        "queue.buffering.max.messages": 2_000_000,
        "queue.buffering.max.kbytes": 2_000_000,
    }
    producer = Producer(config)
    brokers = producer.list_topics(timeout=10).brokers.values()
    yield producer, ",".join(f"{b.host}:{b.port}" for b in brokers)
    producer.flush(30)


def produce(producer: Producer, topic: str, value: bytes, count: int) -> float:
    """Records a second of `produce`, one call a message, until all are delivered."""
    send = producer.produce
    started = time.perf_counter()
    for at in range(count):
        send(topic, value)
        if at % 10_000 == 0:
            producer.poll(0)
    producer.flush(60)
    return count / (time.perf_counter() - started)


def consume(servers: str, topic: str, count: int, group: str) -> float:
    """Records a second of `consume`, touching every value."""
    config = {"bootstrap.servers": servers, "group.id": group, "auto.offset.reset": "earliest"}
    consumer = Consumer(config)
    consumer.subscribe([topic])
    seen = len(consumer.consume(1, timeout=30))
    # The mock broker keeps the newest only of what it was sent.
    ends = [consumer.get_watermark_offsets(p, timeout=10) for p in consumer.assignment()]
    there = min(count, sum(high - low for low, high in ends))
    if seen == 0 or there < 50_000:
        raise RuntimeError(f"the mock broker has {there} of {count} records")
    size = 0
    started = time.perf_counter()
    while seen < there:
        for message in consumer.consume(min(5000, there - seen), timeout=10):
            size += len(message.value())
            seen += 1
    seconds = time.perf_counter() - started
    consumer.close()
    return seen / seconds
