"""Writes requests of real clients into the corpus of the targets `broker` and `request`.

A broker in this process is reached through a proxy that keeps what clients send. Needs the package
`levada` and `confluent-kafka` (`make build`, requirements-demo.txt); then run it with their Python:
`.venv/bin/python fuzz/capture.py`.
"""

import hashlib
import socket
import struct
import threading
import time
from pathlib import Path

import levada
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

CORPUS = Path(__file__).parent / "corpus"
PATIENCE = 20.0


def put(target, content):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(content).hexdigest()[:16]
    (folder / f"captured-{name}").write_bytes(content)


class Proxy:
    """Passes bytes on in both directions and keeps the frames that clients send."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.target = None
        self.frames = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            broker = socket.create_connection(("127.0.0.1", self.target))
            for source, sink, keep in ((client, broker, True), (broker, client, False)):
                threading.Thread(target=self._pump, args=(source, sink, keep), daemon=True).start()

    def _pump(self, source, sink, keep):
        pending = b""
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
                pending = self._cut(pending + data) if keep else b""
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            sink.close()

    def _cut(self, pending):
        while len(pending) >= 4:
            size = struct.unpack(">i", pending[:4])[0]
            if len(pending) < 4 + size:
                break
            self.frames.add(pending[4 : 4 + size])
            pending = pending[4 + size :]
        return pending


def use(bootstrap):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for made in admin.create_topics([NewTopic("t", 2), NewTopic("u", 1)]).values():
        made.result(PATIENCE)
    for codec in "none", "gzip", "snappy", "lz4", "zstd":
        producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec})
        for n in range(20):
            producer.produce("t", b"value" * n, key=b"k%d" % n, headers={"h": b"x"})
        producer.flush(PATIENCE)
    for protocol in "classic", "consumer":
        consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": protocol,
                "group.protocol": protocol,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        consumer.subscribe(["t"])
        until = time.monotonic() + PATIENCE
        while not consumer.consume(10, 0.5) and time.monotonic() < until:
            pass
        consumer.commit(asynchronous=False)
        producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": f"id-{protocol}"})
        producer.init_transactions(PATIENCE)
        producer.begin_transaction()
        producer.produce("u", b"in a transaction")
        offsets = [TopicPartition("t", 0, 3)]
        group = consumer.consumer_group_metadata()
        producer.send_offsets_to_transaction(offsets, group, PATIENCE)
        producer.commit_transaction(PATIENCE)
        consumer.close()
    topic = ConfigResource("topic", "t")
    for answers in (
        admin.describe_configs([topic]),
        admin.create_partitions([NewPartitions("u", 2)]),
        admin.describe_consumer_groups(["classic", "consumer"]),
        admin.delete_records([TopicPartition("t", 0, 1)]),
        admin.delete_consumer_groups(["classic", "consumer"]),
        admin.delete_topics(["u"]),
    ):
        for answer in answers.values():
            answer.exception(PATIENCE)
    admin.list_consumer_groups().result(PATIENCE)
    admin.describe_cluster().result(PATIENCE)


def main():
    proxy = Proxy()
    told = f"PLAINTEXT://127.0.0.1:{proxy.port}"
    settings = {"advertised.listeners": told, "group.initial.rebalance.delay.ms": 0}
    with levada.serve(":memory:", port=0, config=settings) as server:
        proxy.target = int(server.listeners[0].address.rpartition(":")[2])
        use(f"127.0.0.1:{proxy.port}")
    for frame in proxy.frames:
        put("request", b"\0" + frame)
        put("broker", b"\0" + struct.pack(">i", len(frame)) + frame)
    print(len(proxy.frames), "requests")


if __name__ == "__main__":
    main()
