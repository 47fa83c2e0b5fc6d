"""aiokafka."""

import asyncio

import aiokafka
import aiokafka.errors
from aiokafka.admin import (
    AIOKafkaAdminClient,
    NewPartitions,
    NewTopic,
    RecordsToDelete,
)
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from wire import consumed, emit, main, outcome, records

CONFIG = "max.message.bytes"


async def step(name, work):
    try:
        await asyncio.wait_for(work, 25)
    except Exception as error:
        outcome(name, error)
        return False
    outcome(name)
    return True


async def until(condition, what, seconds=10):
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.1)


async def send(producer, topic, partition, wanted):
    futures = [
        await producer.send(topic, r.value, r.key, partition, r.timestamp, headers=r.headers)
        for r in wanted
    ]
    for future in futures:
        await future


async def produce(bootstrap, request):
    wanted = records(request)

    async def run(batch):
        codec = batch["codec"]
        async with aiokafka.AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            compression_type=None if codec == "none" else codec,
            enable_idempotence=batch["idempotent"],
            linger_ms=50,
        ) as producer:
            await send(producer, batch["topic"], 0, wanted)

    for batch in request["batches"]:
        await step(batch["name"], run(batch))


async def consume(bootstrap, request):
    left = {aiokafka.TopicPartition(t["topic"], 0): t["count"] for t in request["topics"]}
    async with aiokafka.AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        isolation_level=request["isolation"],
    ) as consumer:
        consumer.assign(list(left))
        await consumer.seek_to_beginning()
        while any(count > 0 for count in left.values()):
            for place, many in (await consumer.getmany(timeout_ms=1000)).items():
                for r in many:
                    left[place] -= 1
                    consumed(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)


async def group(bootstrap, request):
    consumer = aiokafka.AIOKafkaConsumer(
        request["topic"],
        bootstrap_servers=bootstrap,
        group_id=request["group"],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=request["session_ms"],
        heartbeat_interval_ms=request["heartbeat_ms"],
        metadata_max_age_ms=1000,
    )
    await consumer.start()
    last = None
    while True:
        batches = await consumer.getmany(timeout_ms=100)
        mine = sorted(p.partition for p in consumer.assignment())
        if mine != last:
            last = mine
            emit(assigned=mine)
        for place, many in batches.items():
            for r in many:
                emit(read=[r.partition, r.offset])
            end = many[-1].offset + 1
            try:
                await consumer.commit({place: end})
            except aiokafka.errors.KafkaError as error:
                emit(commit_failed=repr(error))
                continue
            emit(committed=[place.partition, end])


async def transactions(bootstrap, request):
    topic = request["topic"]

    def new():
        return aiokafka.AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            transactional_id=request["id"],
            transaction_timeout_ms=15000,
        )

    async def put(producer, value):
        await producer.send_and_wait(topic, value, b"k", partition=0)

    first, second = new(), new()

    async def commit():
        await first.start()
        await first.begin_transaction()
        await put(first, b"committed")
        await first.commit_transaction()

    async def abort():
        await first.begin_transaction()
        await put(first, b"aborted")
        await first.abort_transaction()

    if not (await step("commit", commit()) and await step("abort", abort())):
        return
    await first.begin_transaction()
    await put(first, b"fenced")
    await second.start()
    try:
        await first.commit_transaction()
    except aiokafka.errors.ProducerFenced:
        outcome("fence")
    except aiokafka.errors.KafkaError as error:
        outcome("fence", error)
    else:
        outcome("fence", AssertionError("the first producer could commit"))

    async def offsets():
        await second.begin_transaction()
        await put(second, b"last")
        place = aiokafka.TopicPartition(topic, 0)
        await second.send_offsets_to_transaction({place: 3}, request["group"])
        await second.commit_transaction()
        await second.stop()

    await step("offsets", offsets())


async def admin(bootstrap, request):
    topic, group_id = request["topic"], request["group"]
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()

    def check(response):
        for error in [e for r in getattr(response, "topic_errors", []) for e in [r[1]]]:
            if error:
                raise aiokafka.errors.for_code(error)(str(response))

    async def count():
        return len((await client.describe_topics([topic]))[0]["partitions"])

    async def config():
        found = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        entries = {e[0]: e[1] for response in found for r in response.resources for e in r[4]}
        return entries[CONFIG]

    async def has(wanted, ask):
        async def holds():
            return await ask() == wanted

        await until(holds, f"not {wanted}")

    async def create():
        new = NewTopic(topic, 2, 1, topic_configs={CONFIG: "131072"})
        check(await client.create_topics([new]))

    async def describe():
        await has(2, count)
        await has("131072", config)

    async def alter():
        await client.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic, {CONFIG: "65536"})]
        )
        await has("65536", config)

    async def grow():
        check(await client.create_partitions({topic: NewPartitions(3)}))
        await has(3, count)

    async def delete_records():
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
            for _ in range(5):
                await producer.send_and_wait(topic, b"x", partition=0)
        place = aiokafka.TopicPartition(topic, 0)
        marks = await client.delete_records({place: RecordsToDelete(3)})
        assert marks[place] == 3, marks

    async def list_groups():
        found = [g[0] for g in await client.list_consumer_groups()]
        assert group_id in found, found

    async def describe_group():
        found = (await client.describe_consumer_groups([group_id]))[0].groups[0]
        assert found[0] == 0 and found[2] == "Empty", found

    async def delete():
        check(await client.delete_topics([topic]))

        async def gone():
            return topic not in await client.list_topics()

        await until(gone, "still there")

    await step("create", create())
    await step("describe", describe())
    await step("configs", alter())
    await step("partitions", grow())
    await step("delete_records", delete_records())
    await step("list_groups", list_groups())
    await step("describe_group", describe_group())
    await step("delete", delete())
    await client.close()


main(
    {
        name: lambda bootstrap, request, run=run: asyncio.run(run(bootstrap, request))
        for name, run in {
            "produce": produce,
            "consume": consume,
            "group": group,
            "transactions": transactions,
            "admin": admin,
        }.items()
    }
)
