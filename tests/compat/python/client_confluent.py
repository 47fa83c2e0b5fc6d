"""confluent-kafka, which is librdkafka."""

import confluent_kafka as ck
from confluent_kafka import admin as adm
from wire import Record, consumed, emit, main, outcome, records, step, until

CONFIG = "max.message.bytes"


def flush(producer):
    left = producer.flush(20)
    if left:
        raise TimeoutError(f"{left} records were not delivered")


def send(producer, topic, partition, wanted):
    errors = []

    def delivered(error, _):
        if error:
            errors.append(ck.KafkaException(error))

    for record in wanted:
        producer.produce(
            topic,
            record.value,
            record.key,
            partition,
            on_delivery=delivered,
            timestamp=record.timestamp,
            headers=record.headers,
        )
    flush(producer)
    if errors:
        raise errors[0]


def produce(bootstrap, request):
    wanted = records(request)
    for batch in request["batches"]:
        config = {
            "bootstrap.servers": bootstrap,
            "compression.type": batch["codec"],
            "enable.idempotence": batch["idempotent"],
            "linger.ms": 50,
            "message.timeout.ms": 15000,
        }
        step(
            batch["name"],
            lambda config=config, batch=batch: send(ck.Producer(config), batch["topic"], 0, wanted),
        )


def consume(bootstrap, request):
    left = {(t["topic"], 0): t["count"] for t in request["topics"]}
    consumer = ck.Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "not-used",
            "enable.auto.commit": False,
            "isolation.level": request["isolation"],
        }
    )
    consumer.assign([ck.TopicPartition(t, p, ck.OFFSET_BEGINNING) for t, p in left])
    while any(count > 0 for count in left.values()):
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise ck.KafkaException(message.error())
        place = (message.topic(), message.partition())
        left[place] -= 1
        stamp = message.timestamp()[1]
        consumed(*place, message.offset(), stamp, message.key(), message.value(), message.headers())
    consumer.close()


def group(bootstrap, request):
    config = {
        "bootstrap.servers": bootstrap,
        "group.id": request["group"],
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "topic.metadata.refresh.interval.ms": 1000,
    }
    if request["protocol"] == "consumer":
        config["group.protocol"] = "consumer"
    else:
        config["session.timeout.ms"] = request["session_ms"]
        config["heartbeat.interval.ms"] = request["heartbeat_ms"]
        config["partition.assignment.strategy"] = "range"
    consumer = ck.Consumer(config)
    consumer.subscribe([request["topic"]])
    last = None
    while True:
        message = consumer.poll(0.1)
        mine = sorted(p.partition for p in consumer.assignment())
        if mine != last:
            last = mine
            emit(assigned=mine)
        if message is None:
            continue
        if message.error():
            raise ck.KafkaException(message.error())
        emit(read=[message.partition(), message.offset()])
        try:
            consumer.commit(message, asynchronous=False)
        except ck.KafkaException as error:
            emit(commit_failed=str(error))
            continue
        emit(committed=[message.partition(), message.offset() + 1])


def transactions(bootstrap, request):
    topic, identity = request["topic"], request["id"]
    config = {
        "bootstrap.servers": bootstrap,
        "transactional.id": identity,
        "transaction.timeout.ms": 15000,
    }

    def put(producer, value):
        producer.produce(topic, value, b"k", 0)
        flush(producer)

    first = ck.Producer(config)

    def commit():
        first.init_transactions(20)
        first.begin_transaction()
        put(first, b"committed")
        first.commit_transaction(20)

    def abort():
        first.begin_transaction()
        put(first, b"aborted")
        first.abort_transaction(20)

    if not (step("commit", commit) and step("abort", abort)):
        return
    first.begin_transaction()
    put(first, b"fenced")
    second = ck.Producer(config)
    second.init_transactions(20)
    try:
        first.commit_transaction(20)
    except ck.KafkaException as error:
        fenced = error.args[0].code() in (
            ck.KafkaError._FENCED,
            ck.KafkaError.INVALID_PRODUCER_EPOCH,
        )
        outcome("fence", None if fenced else error)
    else:
        outcome("fence", AssertionError("the first producer could commit"))

    def offsets():
        consumer = ck.Consumer({"bootstrap.servers": bootstrap, "group.id": request["group"]})
        second.begin_transaction()
        put(second, b"last")
        second.send_offsets_to_transaction(
            [ck.TopicPartition(topic, 0, 3)], consumer.consumer_group_metadata(), 20
        )
        second.commit_transaction(20)
        consumer.close()

    step("offsets", offsets)


def admin(bootstrap, request):
    topic = request["topic"]
    client = adm.AdminClient({"bootstrap.servers": bootstrap})
    resource = adm.ConfigResource(adm.ResourceType.TOPIC, topic)

    def each(futures):
        return [future.result(20) for future in futures.values()]

    def partitions():
        described = client.describe_topics(ck.TopicCollection([topic]))
        return len(described[topic].result(20).partitions)

    def config():
        return each(client.describe_configs([resource]))[0][CONFIG].value

    def alter():
        entry = adm.ConfigEntry(CONFIG, "65536", incremental_operation=adm.AlterConfigOpType.SET)
        each(
            client.incremental_alter_configs(
                [adm.ConfigResource(adm.ResourceType.TOPIC, topic, incremental_configs=[entry])]
            )
        )
        until(lambda: config() == "65536", f"{CONFIG} is {config()}")

    def describe():
        until(lambda: partitions() == 2, "not two partitions")
        assert config() == "131072", config()

    def grow():
        each(client.create_partitions([adm.NewPartitions(topic, 3)]))
        until(lambda: partitions() == 3, "not three partitions")

    def delete_records():
        line = {"key": None, "value": "eA==", "headers": [], "timestamp": 0}
        many = [Record(line)] * 5
        send(ck.Producer({"bootstrap.servers": bootstrap}), topic, 0, many)
        done = each(client.delete_records([ck.TopicPartition(topic, 0, 3)]))
        assert done[0].low_watermark == 3, done[0].low_watermark

    def list_groups():
        found = client.list_consumer_groups().result(20).valid
        assert request["group"] in [g.group_id for g in found], found

    def describe_group():
        found = each(client.describe_consumer_groups([request["group"]]))[0]
        assert found.state == ck.ConsumerGroupState.EMPTY, found.state

    def delete():
        each(client.delete_topics([topic]))
        until(lambda: topic not in client.list_topics(timeout=20).topics, "still there")

    new = adm.NewTopic(topic, 2, 1, config={CONFIG: "131072"})
    step("create", lambda: each(client.create_topics([new])))
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
