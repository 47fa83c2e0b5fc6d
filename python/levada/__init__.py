"""Levada: a Kafka-compatible streaming engine in your process.

>>> import levada
>>> with levada.open(":memory:") as db:
...     topic = db.create_topic("orders", partitions=1)
...     with db.producer() as p:
...         d = p.send("orders", b"tea", key=b"42")
...     with db.consumer("orders", start="earliest", idle_timeout=0) as c:
...         for r in c:
...             print(r.topic, r.partition, r.offset, r.key, r.value)
orders 0 0 b'42' b'tea'
"""

from __future__ import annotations

import atexit as _atexit
import collections.abc as _abc
import os as _os

from ._consumer import Consumer, OnRebalance
from ._convert import Offsets, Partition, Settings, SettingValue
from ._database import Database, JobReport, PartitionRecovery, Start, open, serve
from ._database import close_all as _close_all
from ._errors import (
    ClosedError,
    ConflictError,
    CorruptError,
    DeniedError,
    Error,
    ExistsError,
    FencedError,
    InternalError,
    InvalidError,
    NotFoundError,
    OffsetOutOfRangeError,
    TimeoutError,
    UnavailableError,
)
from ._group import Group, Member
from ._levada import (
    ArrowBatches,
    Bulk,
    Commit,
    Delivery,
    Record,
    RecordMetadata,
    Records,
    Scan,
)
from ._levada import before_fork as _before_fork
from ._levada import forked_child as _forked_child
from ._levada import forked_parent as _forked_parent
from ._producer import Producer
from ._server import Listener, Server
from ._topic import PartitionDescription, Topic, TopicDescription
from ._transaction import Transaction

__all__ = [
    "ArrowBatches",
    "Bulk",
    "ClosedError",
    "Commit",
    "ConflictError",
    "Consumer",
    "CorruptError",
    "Database",
    "Delivery",
    "DeniedError",
    "Error",
    "ExistsError",
    "FencedError",
    "Group",
    "InternalError",
    "InvalidError",
    "JobReport",
    "Listener",
    "Member",
    "NotFoundError",
    "OffsetOutOfRangeError",
    "Offsets",
    "OnRebalance",
    "Partition",
    "PartitionDescription",
    "PartitionRecovery",
    "Producer",
    "Record",
    "RecordMetadata",
    "Records",
    "Scan",
    "Server",
    "SettingValue",
    "Settings",
    "Start",
    "TimeoutError",
    "Topic",
    "TopicDescription",
    "Transaction",
    "UnavailableError",
    "open",
    "serve",
]

# What users see in messages and pickles is where they import it from.
for _name in __all__:
    _object = globals()[_name]
    if isinstance(_object, type) and _object.__module__.startswith("levada._"):
        _object.__module__ = "levada"

_abc.Sequence.register(Records)  # pyright: ignore[reportAttributeAccessIssue]
_os.register_at_fork(
    before=_before_fork, after_in_parent=_forked_parent, after_in_child=_forked_child
)
_atexit.register(_close_all)
