"""kcat, through its command line. Of administration it only lists."""

import re
import subprocess
import sys
import tempfile

from wire import NotOffered, consumed, emit, main, records, step


def kcat(bootstrap, *options, **more):
    command = ["kcat", "-b", bootstrap, "-q", *options]
    done = subprocess.run(command, capture_output=True, timeout=25, **more)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace").strip())
    return done.stdout


def send(bootstrap, topic, record, *options):
    for name, value in record.headers:
        options += ("-H", f"{name}={value.decode()}")
    options = ("-P", "-t", topic, "-p", "0", *options)
    if not record.value:
        # An empty file would send nothing; a line that ends after the key sends an empty value,
        # and -Z makes that null.
        null = ["-Z"] if record.value is None else []
        kcat(bootstrap, *null, *options, "-K", ":", input=record.key + b":\n")
        return
    if record.key is not None:
        options += ("-k", record.key.decode())
    with tempfile.NamedTemporaryFile() as file:
        file.write(record.value)
        file.flush()
        kcat(bootstrap, *options, file.name)


def produce(bootstrap, request):
    wanted = records(request)

    def run(batch):
        options = [
            "-z",
            batch["codec"],
            "-X",
            f"enable.idempotence={str(batch['idempotent']).lower()}",
        ]
        for record in wanted:
            send(bootstrap, batch["topic"], record, *options)

    for batch in request["batches"]:
        step(batch["name"], run, batch)


# The lengths of key and value, so that they may hold any bytes.
FORMAT = "%o %T %K %S %h\n%k%s\n"
LINE = re.compile(rb"(\d+) (-?\d+) (-?\d+) (-?\d+) ?([^\n]*)\n")


def consume(bootstrap, request):
    for place in request["topics"]:
        topic, count = place["topic"], place["count"]
        isolation = f"isolation.level={request['isolation']}"
        options = ["-C", "-t", topic, "-p", "0", "-o", "beginning", "-c", str(count)]
        out = kcat(bootstrap, *options, "-X", isolation, "-f", FORMAT)
        at = 0
        while at < len(out):
            line = LINE.match(out, at)
            offset, timestamp, key_length, length = map(int, line.groups()[:4])
            at = line.end()
            key = out[at : at + key_length] if key_length >= 0 else None
            at += max(key_length, 0)
            value = out[at : at + length] if length >= 0 else None
            at += max(length, 0) + 1
            pairs = [pair.split(b"=", 1) for pair in line[5].split(b",") if pair]
            headers = [(name.decode(), header) for name, header in pairs]
            consumed(topic, 0, offset, timestamp, key, value, headers)


def group(bootstrap, request):
    settings = {
        "session.timeout.ms": request["session_ms"],
        "heartbeat.interval.ms": request["heartbeat_ms"],
        "auto.commit.interval.ms": 100,
        "auto.offset.reset": "earliest",
        "topic.metadata.refresh.interval.ms": 1000,
    }
    command = ["kcat", "-b", bootstrap, "-u", "-f", "read %p %o\n", "-G", request["group"]]
    for name, value in settings.items():
        command[1:1] = ["-X", f"{name}={value}"]
    # What it says of its assignment goes to the same place as the records.
    member = subprocess.Popen(
        [*command, request["topic"]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in member.stdout:
        if line.startswith("read "):
            _, partition, offset = line.split()
            emit(read=[int(partition), int(offset)])
        elif "rebalanced" in line:
            gone = "revoked" in line
            emit(assigned=[] if gone else sorted(int(p) for p in re.findall(r"\[(\d+)\]", line)))
        else:
            sys.stderr.write(line)
    sys.exit(member.wait())


def transactions(bootstrap, request):
    def commit():
        command = ["-P", "-t", request["topic"], "-p", "0", "-k", "k"]
        kcat(bootstrap, *command, "-X", f"transactional.id={request['id']}", input=b"committed")

    step("commit", commit)
    for name in ("abort", "fence", "offsets"):
        step(name, not_offered)


def not_offered():
    raise NotOffered


def admin(bootstrap, request):
    def describe():
        shown = kcat(bootstrap, "-L", "-t", request["existing"])
        assert b"with 1 partitions" in shown, shown

    for name in (
        "create",
        "configs",
        "partitions",
        "delete_records",
        "list_groups",
        "describe_group",
        "delete",
    ):
        step(name, not_offered)
    step("describe", describe)


main(
    {
        "produce": produce,
        "consume": consume,
        "group": group,
        "transactions": transactions,
        "admin": admin,
    }
)
