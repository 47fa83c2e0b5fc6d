"""The records that every client sends and reads back."""

import base64
import time

Record = dict

# Recent, or the broker's retention would delete them; whole seconds, so that no client rounds.
START = int(time.time()) * 1000 - 60_000


def text(data):
    return None if data is None else base64.b64encode(data).decode()


def record(place, key, value, headers=()):
    return {
        "key": text(key),
        "value": text(value),
        "headers": [[name, text(header)] for name, header in headers],
        "timestamp": START + place,
    }


BYTES = bytes(range(256))

# Each with what a client must have to send it.
ALL = [
    (set(), record(0, b"first", b"value 0 " * 100, [("a", b"1"), ("b", b"2")])),
    ({"null key"}, record(1, None, b"no key")),
    (set(), record(2, b"tombstone", None)),
    (set(), record(3, b"empty", b"")),
    (
        set(),
        record(4, "k\u00e9y".encode(), "v\u00e4lue \u2603".encode(), [("h", b"1"), ("h", b"2")]),
    ),
    ({"null header"}, record(5, b"null header", b"v", [("n", None)])),
    ({"binary"}, record(6, BYTES, BYTES, [("raw", b"\xff\xfe\x01")])),
    (set(), record(7, b"large", b"0123456789abcdef" * 5000)),
    (set(), record(8, b"last", b"last", [("empty", b"")])),
]


def sendable(lacks):
    """What a client with such gaps sends."""
    return [record for needs, record in ALL if not needs & lacks]


def expected(sender_lacks, reader_lacks, records):
    """What a reader with such gaps prints of them, as a list of comparable tuples."""
    seen = []
    for r in records:
        headers = [
            [name, text(b"NULL") if value is None and "null header" in reader_lacks else value]
            for name, value in r["headers"]
        ]
        at = None if {"timestamp"} & (sender_lacks | reader_lacks) else r["timestamp"]
        seen.append((r["key"], r["value"], repr(headers), at))
    return seen


def printed(lines, without_timestamp):
    return [
        (r["key"], r["value"], repr(r["headers"]), None if without_timestamp else r["timestamp"])
        for r in lines
    ]
