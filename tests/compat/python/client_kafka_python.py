"""kafka-python."""

import kafka
import kafka.errors
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.structs import OffsetAndMetadata
from wire import consumed, emit, main, outcome, records, step, until

CONFIG = "max.message.bytes"


def send(producer, topic, partition, wanted):
    futures = [
        producer.send(topic, r.value, r.key, r.headers, partition, r.timestamp) for r in wanted
    ]
    for future in futures:
        future.get(timeout=20)


def produce(bootstrap, request):
    wanted = records(request)

    def run(batch):
        codec = batch["codec"]
        producer = kafka.KafkaProducer(
            bootstrap_servers=bootstrap,
            compression_type=None if codec == "none" else codec,
            enable_idempotence=batch["idempotent"],
            linger_ms=50,
        )
        send(producer, batch["topic"], 0, wanted)
        producer.close()

    for batch in request["batches"]:
        step(batch["name"], run, batch)


def consume(bootstrap, request):
    left = {kafka.TopicPartition(t["topic"], 0): t["count"] for t in request["topics"]}
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        isolation_level=request["isolation"],
    )
    consumer.assign(list(left))
    consumer.seek_to_beginning()
    while any(count > 0 for count in left.values()):
        for place, many in consumer.poll(1000).items():
            for r in many:
                left[place] -= 1
                consumed(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)
    consumer.close()


def group(bootstrap, request):
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=request["group"],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=request["session_ms"],
        heartbeat_interval_ms=request["heartbeat_ms"],
        metadata_max_age_ms=1000,
    )
    consumer.subscribe([request["topic"]])
    last = None
    while True:
        batches = consumer.poll(100)
        mine = sorted(p.partition for p in consumer.assignment())
        if mine != last:
            last = mine
            emit(assigned=mine)
        for place, many in batches.items():
            for r in many:
                emit(read=[r.partition, r.offset])
            end = many[-1].offset + 1
            try:
                consumer.commit({place: OffsetAndMetadata(end, "", -1)})
            except kafka.errors.KafkaError as error:
                emit(commit_failed=repr(error))
                continue
            emit(committed=[place.partition, end])


def transactions(bootstrap, request):
    topic = request["topic"]

    def start():
        producer = kafka.KafkaProducer(
            bootstrap_servers=bootstrap,
            transactional_id=request["id"],
            transaction_timeout_ms=15000,
        )
        producer.init_transactions()
        return producer

    def put(producer, value):
        producer.send(topic, value, b"k", partition=0).get(timeout=20)

    held = []

    def commit():
        first = start()
        held.append(first)
        first.begin_transaction()
        put(first, b"committed")
        first.commit_transaction()

    def abort():
        held[0].begin_transaction()
        put(held[0], b"aborted")
        held[0].abort_transaction()

    if not (step("commit", commit) and step("abort", abort)):
        return
    first = held[0]
    first.begin_transaction()
    put(first, b"fenced")
    second = start()
    try:
        first.commit_transaction()
    except (kafka.errors.ProducerFencedError, kafka.errors.InvalidProducerEpochError):
        outcome("fence")
    except kafka.errors.KafkaError as error:
        outcome("fence", error)
    else:
        outcome("fence", AssertionError("the first producer could commit"))

    def offsets():
        second.begin_transaction()
        put(second, b"last")
        place = kafka.TopicPartition(topic, 0)
        second.send_offsets_to_transaction({place: OffsetAndMetadata(3, "", -1)}, request["group"])
        second.commit_transaction()

    step("offsets", offsets)


def admin(bootstrap, request):
    topic, group_id = request["topic"], request["group"]
    client = kafka.KafkaAdminClient(bootstrap_servers=bootstrap)

    def partitions():
        return len(client.describe_topics([topic])[0]["partitions"])

    def config():
        found = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        return found["topic"][topic][CONFIG]["value"]

    def describe():
        until(lambda: partitions() == 2, "not two partitions")
        assert config() == "131072", config()

    def alter():
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {CONFIG: "65536"})])
        until(lambda: config() == "65536", f"{CONFIG} is {config()}")

    def grow():
        client.create_partitions({topic: 3})
        until(lambda: partitions() == 3, "not three partitions")

    def delete_records():
        producer = kafka.KafkaProducer(bootstrap_servers=bootstrap)
        for _ in range(5):
            producer.send(topic, b"x", partition=0).get(timeout=20)
        place = kafka.TopicPartition(topic, 0)
        client.delete_records({place: 3})
        consumer = kafka.KafkaConsumer(bootstrap_servers=bootstrap)
        begin = consumer.beginning_offsets([place])[place]
        assert begin == 3, begin

    def list_groups():
        found = [g["group_id"] for g in client.list_groups()]
        assert group_id in found, found

    def describe_group():
        found = client.describe_groups([group_id])[group_id]
        assert str(found["group_state"]).endswith("Empty"), found

    def delete():
        client.delete_topics([topic])
        until(lambda: topic not in client.list_topics(), "still there")

    new = {topic: {"num_partitions": 2, "replication_factor": 1, "configs": {CONFIG: "131072"}}}
    step("create", client.create_topics, new)
    step("describe", describe)
    step("configs", alter)
    step("partitions", grow)
    step("delete_records", delete_records)
    step("list_groups", list_groups)
    step("describe_group", describe_group)
    step("delete", delete)


main(
    {
        "produce": produce,
        "consume": consume,
        "group": group,
        "transactions": transactions,
        "admin": admin,
    }
)
