"""What is asked of each client, as cells of the table: None (yes), a word or what went wrong."""

import collections
import json

from . import records
from .broker import HEARTBEAT_MS, SESSION_MS, until
from .clients import CODECS
from .member import Member, call

NOT_OFFERED = "-"
# Fails with Apache Kafka in the same way.
LIMIT = "no"
PARTITIONS = 4
BATCHES = [*CODECS, "idempotent"]
TRANSACTIONS = ["commit", "abort", "fence", "offsets"]
ADMIN = [
    "create",
    "describe",
    "configs",
    "partitions",
    "delete_records",
    "list_groups",
    "describe_group",
    "delete",
]


def topic(harness, client, batch):
    return f"from-{client.slug}-{batch}{harness.tag}"


def cells(names, lines, failure):
    """The steps of a program with their outcomes; one that is missing failed with the program."""
    said = {line["step"]: line for line in lines if "step" in line}
    found = {}
    for name in names:
        line = said.get(name)
        if line is None:
            found[name] = failure or "the program did not say"
        elif line.get("offered") is False:
            found[name] = NOT_OFFERED
        else:
            found[name] = None if line["ok"] else line["error"]
    return found


def produce(client, command, harness, directory):
    sent = directory / f"{client.slug}.json"
    sent.write_text(json.dumps(records.sendable(client.sends_no)))
    batches = [
        {
            "name": name,
            "topic": topic(harness, client, name),
            "codec": "none" if name == "idempotent" else name,
            "idempotent": name == "idempotent",
        }
        for name in BATCHES
    ]
    harness.create([batch["topic"] for batch in batches])
    request = {"records": str(sent), "batches": batches}
    found = cells(BATCHES, *call(command, harness.bootstrap, "produce", request, 240))
    want = len(records.sendable(client.sends_no))
    for batch in batches:
        if found[batch["name"]] is not None:
            continue
        try:
            # Not at once where the client does not ask for more than one replica's word.
            until(
                lambda batch=batch: harness.end(batch["topic"]) == want, "records are missing", 10
            )
        except TimeoutError as error:
            found[batch["name"]] = f"{error}: {harness.end(batch['topic'])} of {want}"
    return found


def consume(client, command, harness, produced):
    """Reads what every client wrote: `produced` maps them to the batches that arrived."""
    want = {
        topic(harness, sender, name): records.expected(
            sender.sends_no, client.reads_no, records.sendable(sender.sends_no)
        )
        for sender, names in produced.items()
        for name in names
    }
    stampless = {
        topic(harness, s, n) for s, ns in produced.items() for n in ns if "timestamp" in s.sends_no
    }
    request = {
        "isolation": "read_committed",
        "topics": [{"topic": name, "count": len(many)} for name, many in want.items()],
    }
    lines, failure = call(command, harness.bootstrap, "consume", request, 120)
    if "topic" in client.reads_no:
        # All of them together, and without the time.
        got = collections.Counter(r[:3] for r in records.printed(lines, True))
        wanted = collections.Counter(r[:3] for many in want.values() for r in many)
        wrong = (wanted - got) + (got - wanted)
        problem = f"{wrong.total()} records differ, one is {next(iter(wrong))}" if wrong else None
        return {"consume": failure or problem}
    for name, many in want.items():
        mine = [line for line in lines if line["topic"] == name]
        got = records.printed(mine, name in stampless)
        if got != many and not failure:
            place = next(
                (i for i, pair in enumerate(zip(got, many, strict=False)) if pair[0] != pair[1]), -1
            )
            failure = f"{name}: record {place} of {len(got)}: {str(got[place : place + 1])[:200]}"
        if [line["offset"] for line in mine] != list(range(len(many))) and not failure:
            failure = f"{name}: offsets {[line['offset'] for line in mine]}"
    return {"consume": failure}


def group(client, command, harness, protocol):
    """Two members share, one is killed, the other goes on where the first had committed."""
    name = f"group-{client.slug}-{protocol}{harness.tag}"
    harness.create([name], PARTITIONS)
    request = {
        "topic": name,
        "group": name,
        "protocol": protocol,
        "session_ms": SESSION_MS,
        "heartbeat_ms": HEARTBEAT_MS,
    }
    everything = list(range(PARTITIONS))

    def committed(upto):
        now = harness.committed(name, name, PARTITIONS)
        return all(now.get(p) == upto for p in everything)

    harness.write(name, PARTITIONS, range(0, 10))
    with Member(command, harness.bootstrap, request) as first:
        until(lambda: first.alive() and committed(10), "the first member did not commit everything")
        until(
            lambda: first.assigned == everything, lambda: f"the first member has {first.assigned}"
        )
        with Member(command, harness.bootstrap, request) as second:

            def shared():
                both = sorted(first.assigned + second.assigned)
                assert first.alive() and second.alive()
                return first.assigned and second.assigned and both == everything

            until(shared, lambda: f"members have {first.assigned} and {second.assigned}")
            harness.write(name, PARTITIONS, range(10, 15))
            until(lambda: committed(15), "the two did not commit everything")
            # What they print arrives behind what they commit.
            until(
                lambda: len(first.read) + len(second.read) >= 15 * PARTITIONS,
                lambda: f"they read {sorted(first.read)} and {sorted(second.read)}",
            )
            before = list(second.read)
            if sorted(first.read + before) != [(p, o) for p in everything for o in range(15)]:
                raise AssertionError(f"read {sorted(first.read)} and {sorted(before)}")
            first.kill()
            until(
                lambda: second.alive() and second.assigned == everything,
                lambda: f"the second member has {second.assigned} after the first died",
            )
            harness.write(name, PARTITIONS, range(15, 20))
            until(lambda: second.alive() and committed(20), "the second did not commit everything")
            until(
                lambda: len(second.read) >= len(before) + 5 * PARTITIONS,
                lambda: f"the second read {sorted(second.read)}",
            )
            after = sorted(second.read[len(before) :])
            if after != [(p, o) for p in everything for o in range(15, 20)]:
                raise AssertionError(f"after the take-over the second read {after}")


def groups(client, command, harness, protocol):
    column = "group" if protocol == "classic" else "group, new protocol"
    if protocol not in client.protocols or "group" not in client.offers:
        return {column: NOT_OFFERED}
    try:
        group(client, command, harness, protocol)
    except Exception as error:
        return {column: f"{type(error).__name__}: {error}"}
    return {column: None}


def values(client, command, harness, name, isolation, count):
    request = {"isolation": isolation, "topics": [{"topic": name, "count": count}]}
    lines, failure = call(command, harness.bootstrap, "consume", request, 30)
    got = [line["value"] for line in lines]
    return [None if v is None else records.base64.b64decode(v).decode() for v in got], failure


def transactions(client, command, harness):
    columns = [*TRANSACTIONS, "read_committed"]
    if "transactions" not in client.offers:
        return dict.fromkeys(columns, NOT_OFFERED)
    name = f"txn-{client.slug}{harness.tag}"
    harness.create([name])
    request = {"topic": name, "id": name, "group": name}
    found = cells(TRANSACTIONS, *call(command, harness.bootstrap, "transactions", request))
    if found["offsets"] is None and harness.committed(name, name, 1).get(0, -1) < 1:
        found["offsets"] = "the group has no committed offset"
    # Its own reader, of what a whole run leaves.
    failure = None
    want = ["committed", "aborted", "fenced", "last"]
    if any(found[step] is not None for step in TRANSACTIONS):
        want = ["committed"]
    visible = [value for value in want if value in ("committed", "last")]
    for isolation, expected in (("read_committed", visible), ("read_uncommitted", want)):
        got, failed = values(client, command, harness, name, isolation, len(expected))
        if got != expected:
            failure = failed or f"{isolation} gave {got}, not {expected}"
    return {**found, "read_committed": failure}


def admin(client, command, harness, existing, known_group):
    if "admin" not in client.offers:
        return dict.fromkeys(ADMIN, NOT_OFFERED)
    request = {
        "topic": f"admin-{client.slug}{harness.tag}",
        "existing": existing,
        "group": known_group,
    }
    return cells(ADMIN, *call(command, harness.bootstrap, "admin", request, 150))
