"""Kafka's console tools, each through its main class. The class path and the command that starts
Java come before the arguments of the protocol.
"""

import json
import subprocess
import sys
import tempfile

from wire import consumed, main, records, step, until

CLASS_PATH, *JAVA = sys.argv[1:-3]
del sys.argv[1:-3]
TOOLS = "org.apache.kafka.tools."
KEY, END, NULL = b"<KEY>", b"<END>", b"<NULL>"


def tool(name, *options, stdin=b""):
    command = [*JAVA, "-cp", CLASS_PATH, TOOLS + name, *options]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60)
    if done.returncode:
        said = (done.stdout[-1000:] + done.stderr[-2000:]).decode(errors="replace")
        raise RuntimeError(f"exit code {done.returncode}: {said}")
    return done.stdout


def ask(name, bootstrap, *options):
    return tool(name, "--bootstrap-server", bootstrap, *options).decode()


def line(record):
    headers = b",".join(
        name.encode() + b":" + (NULL if v is None else v) for name, v in record.headers
    )
    key = NULL if record.key is None else record.key
    return (
        b"\t".join([headers or NULL, key, NULL if record.value is None else record.value]) + b"\n"
    )


def produce(bootstrap, request):
    stdin = b"".join(map(line, records(request)))

    def run(batch):
        options = ["--topic", batch["topic"], "--compression-codec", batch["codec"], "--sync"]
        for setting in ("parse.key=true", "parse.headers=true", f"null.marker={NULL.decode()}"):
            options += ["--reader-property", setting]
        options += ["--command-property", f"enable.idempotence={str(batch['idempotent']).lower()}"]
        tool("ConsoleProducer", "--bootstrap-server", bootstrap, *options, stdin=stdin)

    for batch in request["batches"]:
        step(batch["name"], run, batch)


def consume(bootstrap, request):
    names = "|".join(place["topic"] for place in request["topics"])
    count = sum(place["count"] for place in request["topics"])
    options = [
        "--include",
        names,
        "--from-beginning",
        "--max-messages",
        str(count),
        "--timeout-ms",
        "20000",
    ]
    options += ["--isolation-level", request["isolation"]]
    for setting in (
        "print.timestamp=true",
        "print.headers=true",
        "print.offset=true",
        "print.key=true",
        f"key.separator={KEY.decode()}",
        f"line.separator={END.decode()}",
        "null.literal=NULL",
    ):
        options += ["--formatter-property", setting]
    out = tool("consumer.ConsoleConsumer", "--bootstrap-server", bootstrap, *options)
    for text in out.split(END):
        if not text.strip():
            continue
        stamp, offset, headers, key, value = text.split(KEY)
        pairs = [] if headers == b"NO_HEADERS" else [h.split(b":", 1) for h in headers.split(b",")]
        consumed(
            "",
            0,
            int(offset.removeprefix(b"Offset:")),
            int(stamp.partition(b":")[2]),
            None if key == b"NULL" else key,
            None if value == b"NULL" else value,
            [(name.decode(), header) for name, header in pairs],
        )


def admin(bootstrap, request):
    topic = request["topic"]
    mine = ["--topic", topic]

    def describe(*wanted):
        shown = []

        def holds():
            shown[:] = [ask("TopicCommand", bootstrap, "--describe", *mine)]
            return all(text in shown[0] for text in wanted)

        until(holds, shown)

    def configs():
        place = ["--entity-type", "topics", "--entity-name", topic]
        kafka_configs(
            "--bootstrap-server",
            bootstrap,
            "--alter",
            *place,
            "--add-config",
            "max.message.bytes=65536",
        )
        shown = kafka_configs("--bootstrap-server", bootstrap, "--describe", *place).decode()
        assert "max.message.bytes=65536" in shown, shown

    def partitions():
        ask("TopicCommand", bootstrap, "--alter", *mine, "--partitions", "3")
        describe("PartitionCount: 3")

    def delete_records():
        # Without keys the producer keeps to one partition for a while; which one is its choice.
        tool("ConsoleProducer", "--bootstrap-server", bootstrap, *mine, stdin=b"x\n" * 5)
        ends = tool("GetOffsetShell", "--bootstrap-server", bootstrap, *mine).decode().split()
        place = next(p for p in (end.split(":") for end in ends) if int(p[2]) >= 3)
        wanted = {"topic": topic, "partition": int(place[1]), "offset": 3}
        with tempfile.NamedTemporaryFile("w") as file:
            json.dump({"version": 1, "partitions": [wanted]}, file)
            file.flush()
            shown = ask("DeleteRecordsCommand", bootstrap, "--offset-json-file", file.name)
        assert "low_watermark: 3" in shown, shown

    def list_groups():
        shown = ask("consumer.group.ConsumerGroupCommand", bootstrap, "--list").split()
        assert request["group"] in shown, shown

    def describe_group():
        options = ["--describe", "--group", request["group"]]
        shown = ask("consumer.group.ConsumerGroupCommand", bootstrap, *options, "--state")
        assert "Empty" in shown, shown
        shown = ask("consumer.group.ConsumerGroupCommand", bootstrap, *options)
        assert request["existing"] in shown, shown

    def delete():
        ask("TopicCommand", bootstrap, "--delete", *mine)
        until(lambda: topic not in ask("TopicCommand", bootstrap, "--list").split(), "still there")

    new = [*mine, "--partitions", "2", "--config", "max.message.bytes=131072"]
    step("create", ask, "TopicCommand", bootstrap, "--create", *new)
    step("describe", describe, "PartitionCount: 2", "max.message.bytes=131072")
    step("configs", configs)
    step("partitions", partitions)
    step("delete_records", delete_records)
    step("list_groups", list_groups)
    step("describe_group", describe_group)
    step("delete", delete)


def kafka_configs(*options):
    """The one tool that is not in the package of the others."""
    command = [*JAVA, "-cp", CLASS_PATH, "kafka.admin.ConfigCommand", *options]
    done = subprocess.run(command, capture_output=True, timeout=60)
    if done.returncode:
        raise RuntimeError((done.stdout[-1000:] + done.stderr[-2000:]).decode(errors="replace"))
    return done.stdout


main({"produce": produce, "consume": consume, "admin": admin})
