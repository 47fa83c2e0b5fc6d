"""Sends flights to a broker, or reads them, with librdkafka; for `flights.py`, in a process of its own.

Prints the number of records and the sum of their hashes as JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from flights import PARTITIONS, add_content, events

PATIENCE = 60.0


def send(bootstrap: str, topic: str, count: int) -> tuple[int, int]:
    """The first flights; gives how many were acknowledged, and their hash."""
    failed: list[object] = []
    sent = total = 0

    def delivered(error: object, _: object) -> None:
        if error is not None:
            failed.append(error)

    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20})
    for carrier, value, _, timestamp in itertools.islice(events(), count):
        while True:
            try:
                producer.produce(topic, value, carrier, timestamp=timestamp, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
        total = add_content(total, carrier, value)
        sent += 1
    left = producer.flush(PATIENCE)
    if failed or left:
        raise SystemExit(f"{len(failed)} records failed, {left} are on their way: {failed[:1]}")
    return sent, total


def receive(bootstrap: str, topic: str, count: int) -> tuple[int, int]:
    """So many records from the beginning, and their hash."""
    config = {"bootstrap.servers": bootstrap, "group.id": "board", "enable.auto.commit": False}
    consumer = Consumer(config)
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    read = total = 0
    while read < count:
        messages = consumer.consume(min(5000, count - read), timeout=PATIENCE)
        if not messages:
            raise SystemExit(f"{read} of {count} records came")
        for message in messages:
            error = message.error()
            if error is not None:
                raise KafkaException(error)
            total = add_content(total, message.key(), message.value())
        read += len(messages)
    consumer.close()
    return read, total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("does", choices=["send", "receive"])
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument("count", type=int)
    args = parser.parse_args()
    does = send if args.does == "send" else receive
    print(json.dumps(does(args.bootstrap, args.topic, args.count)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
