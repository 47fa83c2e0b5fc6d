"""The engine's classes; what users import is :mod:`levada`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal, NoReturn, Protocol, Self, TypeAlias, final, overload

from _typeshed import ReadableBuffer as _ReadableBuffer
from _typeshed import StrPath
from typing_extensions import disjoint_base

class _ArrowArray(Protocol):
    def __arrow_c_array__(self, requested_schema: Any = ..., /) -> tuple[Any, Any]: ...

class _ArrowStream(Protocol):
    def __arrow_c_stream__(self, requested_schema: Any = ..., /) -> Any: ...

_Headers: TypeAlias = (
    Mapping[str, _ReadableBuffer | None] | Iterable[tuple[str | bytes, _ReadableBuffer | None]]
)
_Column: TypeAlias = Iterable[_ReadableBuffer | None] | _ReadableBuffer | _ArrowArray | _ArrowStream
_Name: TypeAlias = tuple[str, int]

@final
class RecordMetadata:
    """Where a record went."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970, UTC."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Delivery:
    """A record on its way. Letting it go loses nothing."""

    def result(self, timeout: float | None = None) -> RecordMetadata:
        """Waits until the record is delivered; raises what went wrong."""

    def done(self) -> bool:
        """Whether the outcome is known."""

    def add_done_callback(self, callback: Callable[[Delivery], object]) -> None:
        """Calls ``callback`` with this delivery when its outcome is known; soon, when it is.

        Callbacks are called one after the other on one thread of the process; they may send. What
        one raises goes to ``sys.unraisablehook``. ``flush`` and ``close`` wait for those of what
        they delivered.
        """

    def notify(self, bell: Bell, number: int) -> None:
        """Rings ``bell`` with ``number`` when the outcome is known."""

@final
class Bulk:
    """Many records on their way."""

    def __len__(self) -> int: ...
    def result(self, timeout: float | None = None) -> list[RecordMetadata]:
        """Waits until all are delivered; gives the last place of each batch, in order."""

    def done(self) -> bool:
        """Whether the outcome of all is known."""

    def notify(self, bell: Bell, number: int) -> int:
        """Rings ``bell`` with ``number`` once for each batch that is settled; gives how often."""

@final
class Commit:
    """A commit on its way."""

    def result(self, timeout: float | None = None) -> None:
        """Waits until the offsets are durable (``default.api.timeout.ms`` at most if not said)."""

    def done(self) -> bool:
        """Whether they are, or will not be."""

    def notify(self, bell: Bell, number: int) -> None:
        """Rings ``bell`` with ``number`` when it is done."""

    @property
    def _timeout(self) -> float: ...

@final
class Record:
    """One record. It keeps the bytes of its batch alive.

    Made by reading; one of one's own is for tests, and what a pickled one comes back as.
    """

    __match_args__: ClassVar[tuple[str, ...]]

    def __new__(
        cls,
        topic: str,
        partition: int,
        offset: int,
        timestamp: int,
        key: _ReadableBuffer | None = None,
        value: _ReadableBuffer | None = None,
        headers: _Headers | None = None,
    ) -> Self: ...
    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970, UTC."""

    @property
    def datetime(self) -> datetime:
        """The timestamp as an aware datetime in UTC."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> list[tuple[str, bytes | None]]:
        """Names and values in order; a name may repeat."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object, /) -> Self: ...
    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]: ...

@final
class Records(Sequence[Record]):
    """The records of one poll, a sequence, decoded when touched."""

    def __new__(cls, records: Sequence[Record]) -> Self: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object, /) -> Self: ...
    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]: ...
    def index(self, record: Any, start: int = 0, stop: int = ...) -> int: ...
    def count(self, record: Any) -> int: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int, /) -> Record: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[Record]: ...
    def __iter__(self) -> Iterator[Record]: ...

@final
class RecordsIterator:
    def __iter__(self) -> Self: ...
    def __next__(self) -> Record: ...
    def __length_hint__(self) -> int: ...

@final
class ArrowBatches:
    """Arrow record batches; read as often as one likes."""

    @property
    def num_rows(self) -> int: ...
    @property
    def column_names(self) -> list[str]: ...
    def __len__(self) -> int: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __arrow_c_schema__(self) -> object: ...

@final
class Scan:
    """A topic as one Arrow stream over archive and live log; every reader begins anew.

    Anything with the Arrow PyCapsule interface reads it: DuckDB, Polars, pyarrow.
    """

    def __new__(
        cls,
        core: Core,
        topic: str,
        partitions: Sequence[int] | None,
        start: tuple[Sequence[tuple[int, int]] | None, int | None],
        end: tuple[Sequence[tuple[int, int]] | None, int | None],
        columns: Sequence[str] | None,
        committed: bool,
        view: bool,
    ) -> Self: ...
    @property
    def topic(self) -> str: ...
    @property
    def column_names(self) -> list[str]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __arrow_c_schema__(self) -> object: ...

@disjoint_base
class ProducerCore:
    def __new__(cls, core: Core, config: Sequence[tuple[str, str]]) -> Self: ...
    def send(
        self,
        topic: str,
        value: _ReadableBuffer | None,
        *,
        key: _ReadableBuffer | None = None,
        headers: _Headers | None = None,
        timestamp: int | datetime | None = None,
        partition: int | None = None,
    ) -> Delivery:
        """Sends a record and returns at once; waits only while ``buffer.memory`` is full.

        ``value=None`` is a tombstone on a compacted topic. Without ``partition`` the key decides
        (murmur2, as Kafka's clients), without a key the producer. ``timestamp`` is now, if not
        given. Raises :class:`InvalidError`, :class:`NotFoundError`, :class:`TimeoutError`.
        """

    def send_many(
        self,
        topic: str,
        values: _Column,
        *,
        keys: _Column | None = None,
        timestamps: Iterable[int | datetime | None] | None = None,
        headers: Iterable[_Headers] | None = None,
        partition: int | None = None,
    ) -> Bulk:
        """Sends many: a list of bytes, an Arrow array, or a buffer whose items are the values."""

    def send_arrow(
        self, topic: str, data: _ArrowStream | _ArrowArray, *, keep_partitions: bool = False
    ) -> Bulk:
        """Sends the rows of anything with the Arrow PyCapsule interface.

        Columns: ``value``, and if wanted ``key``, ``timestamp`` (any unit, or integers of
        milliseconds), ``headers`` (list of structs of key and value, or a map). With
        ``keep_partitions`` the column ``partition`` says where a record goes. Without it that
        column, ``offset`` and ``topic``, which scans and polls have, are not looked at.
        """

    def flush(self, timeout: float | None = None) -> None:
        """Waits until all that was sent is delivered; raises the first failure nobody has seen."""

    def close(self, timeout: float | None = None) -> None:
        """Flushes (120 s at most if not said) and ends. Once is enough."""

    def _try_send(
        self,
        topic: str,
        value: _ReadableBuffer | None,
        *,
        key: _ReadableBuffer | None = None,
        headers: _Headers | None = None,
        timestamp: int | datetime | None = None,
        partition: int | None = None,
    ) -> Delivery | int: ...
    def _on_room(self, topic: str | None, lane: int, bell: Bell, number: int) -> None: ...
    def _no_room(self) -> NoReturn: ...
    def _begin_many(
        self,
        topic: str,
        values: _Column,
        *,
        keys: _Column | None = None,
        timestamps: Iterable[int | datetime | None] | None = None,
        headers: Iterable[_Headers] | None = None,
        partition: int | None = None,
    ) -> Sending: ...
    def _begin_arrow(
        self, topic: str, data: _ArrowStream | _ArrowArray, *, keep_partitions: bool = False
    ) -> Sending: ...
    def _on_flushed(self, bell: Bell, number: int) -> None: ...
    def _take_failure(self) -> None: ...
    @property
    def _max_block(self) -> float: ...
    def make_room(self) -> None:
        """Waits until ``send`` need not wait, for ``max.block.ms`` at most."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""

    def _begin(self) -> None: ...
    def _commit(self) -> None: ...
    def _abort(self) -> None: ...
    def _send_offsets(
        self,
        consumer: ConsumerCore,
        offsets: Sequence[tuple[str, int, int]] | None,
        record: Record | None,
    ) -> None: ...
    @property
    def full(self) -> bool:
        """Whether ``send`` would wait for room."""

    @property
    def closed(self) -> bool:
        """Whether it is closed."""

    @property
    def buffered_bytes(self) -> int:
        """Bytes that are sent and not delivered."""

@disjoint_base
class ConsumerCore:
    def __new__(
        cls,
        core: Core,
        config: Sequence[tuple[str, str]],
        start_ms: int | None,
        start_offsets: Sequence[tuple[str, int, int]],
        idle_timeout: float | None,
    ) -> Self: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Record: ...
    def poll(self, max_records: int | None = None, timeout: float | None = 1.0) -> Records:
        """Records as soon as there are some; none when ``timeout`` seconds are over.

        At most ``max_records`` (``max.poll.records`` if not said); ``timeout=None`` waits for ever.
        """

    def poll_arrow(
        self, max_bytes: int | None = None, timeout: float | None = 1.0, *, view: bool = True
    ) -> ArrowBatches:
        """The same as Arrow, about ``max_bytes`` of it, values not copied.

        Columns: partition, offset, timestamp (µs, UTC), key, value, headers; before them topic,
        when several may be read. Keys and values are BinaryView, without ``view`` LargeBinary.
        """

    def unsubscribe(self) -> None:
        """Gives up what was assigned or subscribed, and leaves the group."""

    def assignment(self) -> list[tuple[str, int]]:
        """The partitions that are read now."""

    def subscription(self) -> list[str]:
        """The topics (or the pattern) of the subscription."""

    def member(self) -> tuple[str, int] | None:
        """The id and epoch in the group; ``None`` without one."""

    def paused(self) -> list[tuple[str, int]]:
        """The partitions that are paused."""

    def wakeup(self) -> None:
        """Makes a poll that waits return empty, and an iteration end; from any thread."""

    def notify(self, bell: Bell, number: int) -> None:
        """Rings ``bell`` with ``number`` once when a poll may find something."""

    def close(self) -> None:
        """Commits (with ``enable.auto.commit``), leaves the group and ends. Once is enough."""

    @property
    def closed(self) -> bool:
        """Whether it is closed."""

    @property
    def group_id(self) -> str | None:
        """The group's name."""

    def _next_ready(self) -> Record | None: ...
    def _next_ahead(self) -> Record | None: ...
    def _has_news(self) -> bool: ...
    def _keep_up(self) -> None: ...
    def _subscribe(self, topics: Sequence[str]) -> None: ...
    def _subscribe_pattern(self, pattern: str) -> None: ...
    def _assign(self, partitions: Sequence[_Name]) -> None: ...
    def _hear(self, callback: Callable[[str, list[_Name]], object] | None) -> None: ...
    def _commit(
        self,
        offsets: Sequence[tuple[str, int, int]] | None = None,
        record: Record | None = None,
    ) -> None: ...
    def _commit_async(
        self,
        offsets: Sequence[tuple[str, int, int]] | None = None,
        record: Record | None = None,
    ) -> Commit | None: ...
    def _seek(self, partition: _Name | None, offset: int) -> None: ...
    def _seek_to_time(self, partition: _Name | None, ms: int) -> None: ...
    def _seek_to_beginning(self, partition: _Name | None) -> None: ...
    def _seek_to_end(self, partition: _Name | None) -> None: ...
    def _position(self, partition: _Name) -> int: ...
    def _committed(self, partition: _Name) -> int | None: ...
    def _bounds(self, partition: _Name) -> tuple[int, int]: ...
    def _lag(self) -> list[tuple[_Name, int]]: ...
    def _pause(self, partitions: Sequence[_Name] | None) -> None: ...
    def _resume(self, partitions: Sequence[_Name] | None) -> None: ...
    def _close_after_failure(self) -> None: ...
    @property
    def _look_again_after(self) -> float: ...

@final
class Core:
    def __new__(
        cls,
        path: StrPath,
        config: Sequence[tuple[str, str]],
        archive_dir: StrPath | None = None,
    ) -> Self: ...
    def topics(self) -> Topics: ...
    def groups(self) -> Groups: ...
    def run_job(self, name: str) -> int: ...
    def job_reports(self) -> list[tuple[str, int, int, int, str | None]]: ...
    def recovery(self) -> tuple[bool, list[tuple[str, int, int, str | None, int]]]: ...
    def close(self) -> None: ...
    @property
    def closed(self) -> bool: ...

@final
class Topics:
    def create(
        self, name: str, partitions: int, config: Sequence[tuple[str, str]]
    ) -> tuple[str, int, int, bool]: ...
    def get(self, name: str) -> tuple[str, int, int, bool]: ...
    def names(self, internal: bool) -> list[str]: ...
    def delete(self, name: str) -> None: ...
    def set_partitions(self, name: str, count: int) -> tuple[str, int, int, bool]: ...
    def config(self, name: str) -> list[tuple[str, str | None, str]]: ...
    def alter(self, name: str, changes: Sequence[tuple[str, str | None]]) -> None: ...
    def ends(self, name: str) -> list[tuple[int, int, int, int, int, int]]: ...
    def offset_for_time(self, name: str, partition: int, ms: int) -> int | None: ...
    def delete_records(self, name: str, partition: int, offset: int) -> int: ...
    def archive(self, name: str, partition: int | None, active: bool) -> int: ...

@final
class Groups:
    def names(self) -> list[str]: ...
    def describe(
        self, group: str
    ) -> tuple[str, int, list[tuple[str, str | None, str, int, list[tuple[str, int]]]]]: ...
    def offsets(self, group: str) -> list[tuple[str, int, int]]: ...
    def reset(self, group: str, offsets: Sequence[tuple[str, int, int]]) -> None: ...
    def delete(self, group: str) -> None: ...

@final
class Bell:
    """Wakes an event loop: readable when there is something to take."""

    def __new__(cls) -> Self: ...
    def fileno(self) -> int: ...
    def take(self) -> list[int]: ...
    def close(self) -> None: ...

@final
class Sending:
    """Many rows on their way into a producer, sent in steps that do not wait for room."""

    def step(self) -> Literal["done", "more", "full"]: ...
    def on_room(self, bell: Bell, number: int) -> None: ...
    def bulk(self) -> Bulk: ...

@final
class ServerCore:
    def __new__(cls, core: Core, config: Sequence[tuple[str, str]]) -> Self: ...
    @property
    def bootstrap(self) -> str: ...
    @property
    def listeners(self) -> list[tuple[str, str, str, int]]: ...
    @property
    def closed(self) -> bool: ...
    @property
    def connections(self) -> int: ...
    def stop(self, timeout: float) -> None: ...
    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def fail_next(self, api: str, error: str, count: int | None) -> None: ...
    def delay(self, api: str, by: float) -> None: ...
    def clear_faults(self) -> None: ...

def before_fork() -> None: ...
def forked_parent() -> None: ...
def forked_child() -> None: ...
def cli_main(args: Sequence[str]) -> int: ...
