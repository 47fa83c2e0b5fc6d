"""`docs/clients.md`: what held when it was written, which the tests hold against what holds now."""

import pathlib

from .clients import CLIENTS, ROOT
from .scenarios import ADMIN, BATCHES, LIMIT, NOT_OFFERED, TRANSACTIONS

PATH = ROOT / "docs" / "clients.md"

TABLES = {
    "Records": [*BATCHES, "consume"],
    "Groups and transactions": ["group", "group, new protocol", *TRANSACTIONS, "read_committed"],
    "Administration": ADMIN,
}
COLUMNS = [column for columns in TABLES.values() for column in columns]

LEGEND = {
    "none": "nine records, uncompressed: keys, no key, headers, a name twice, values empty and null, bytes, 80 kB",
    "gzip, snappy, lz4, zstd": "the same, compressed by the client",
    "idempotent": "the same from an idempotent producer",
    "consume": "what every client of this list wrote with every codec comes back: keys, values, headers, timestamps, offsets",
    "group": "two members share the partitions, one is killed, the other goes on at the committed offsets",
    "group, new protocol": "the same with the protocol of KIP-848, in which the broker assigns",
    "commit, abort": "transactions that end one way and the other",
    "fence": "a second producer with the same transactional id ends what the first had open, and the first learns it",
    "offsets": "a group's offset that is committed within a transaction",
    "read_committed": "its consumer gives the records of the committed transactions; without isolation, all",
    "create, describe, configs, partitions, delete": "a topic is created with a setting, shown, its setting changed, its partitions grown from 2 to 3, deleted",
    "delete_records": "the log starts at the given offset",
    "list_groups, describe_group": "an empty group is listed and described",
}


def shown(cell):
    return {None: "yes", NOT_OFFERED: NOT_OFFERED, LIMIT: LIMIT}.get(cell, "fails")


def render(rows):
    """`rows` maps (name, version) to cells."""
    out = [
        "# Clients",
        "",
        "Kafka clients that were run, unchanged, against `levada serve`; `tests/compat` holds what is listed here.",
        "`yes`: it works. `-`: the client does not offer it. `no`: the client does it wrong with Apache Kafka",
        "too. `fails`: it works with Apache Kafka and not with Levada. Reasons are below.",
        "",
        "| client | version |",
        "| --- | --- |",
        *(f"| {name} | {version} |" for name, version in rows),
    ]
    for title, columns in TABLES.items():
        out += ["", f"## {title}", "", f"| client | {' | '.join(columns)} |"]
        out += [f"| --- |{' --- |' * len(columns)}"]
        for (name, _), cells in rows.items():
            out.append(f"| {name} | {' | '.join(shown(cells[c]) for c in columns)} |")
    out += ["", "## What the columns say", ""]
    out += [f"- {name}: {text}." for name, text in LEGEND.items()]
    limits = [
        f"- {client.name}, {column}: {reason}."
        for client in CLIENTS
        for column, reason in client.limits.items()
    ]
    out += ["", "## What clients do wrong", "", *limits]
    failures = [
        f"- {name}, {column}: {' '.join(reason.split())[:300]}"
        for (name, _), cells in rows.items()
        for column, reason in cells.items()
        if shown(reason) == "fails"
    ]
    if failures:
        out += ["", "## What fails", "", *failures]
    return "\n".join(out) + "\n"


def read(path: pathlib.Path = PATH):
    """Maps a client's name to its cells, as words."""
    rows = {}
    columns = []
    for line in path.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            columns = []
        elif not columns:
            columns = cells[1:]
        elif cells[0] != "---" and columns != ["version"]:
            rows.setdefault(cells[0], {}).update(zip(columns, cells[1:], strict=True))
    return rows
