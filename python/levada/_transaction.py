"""Transactions."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from ._consumer import Consumer
from ._convert import Offsets
from ._levada import ProducerCore, Record

if TYPE_CHECKING:
    from typing import Self


class Transaction:
    """All of what is sent in it, or nothing; made by :meth:`Producer.transaction`.

    >>> import levada
    >>> with levada.open(":memory:") as db:
    ...     topic = db.create_topic("orders")
    ...     with db.producer(transactional_id="till-1") as p:
    ...         with p.transaction():
    ...             _ = p.send("orders", b"tea")
    ...             _ = p.send("orders", b"milk")
    ...     with db.consumer(
    ...         "orders", start="earliest", idle_timeout=0, isolation_level="read_committed"
    ...     ) as c:
    ...         [r.value for r in c]
    [b'tea', b'milk']

    Leaving ``with`` commits: then it is durable, and consumers with
    ``isolation_level="read_committed"`` see it. An exception aborts, and goes on.
    """

    __slots__ = ("_aborted", "_producer")

    def __init__(self, producer: ProducerCore) -> None:
        self._producer = producer
        self._aborted = False

    def send_offsets(self, consumer: Consumer, offsets: Offsets | Record | None = None) -> None:
        """Commits where ``consumer`` stands, or ``offsets``, as part of the transaction.

        A record stands for itself and what lies before it in its partition. The consumer needs a
        group and ``auto_commit=False``.
        """
        rows, record = consumer._to_commit(offsets)
        self._producer._send_offsets(consumer, rows, record)

    def abort(self) -> None:
        """Gives the transaction up: nothing of it is seen. Leaving ``with`` does nothing then."""
        self._aborted = True
        self._producer._abort()

    def __enter__(self) -> Self:
        self._producer._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._aborted:
            return
        if error is not None:
            self._give_up(error)
            return
        try:
            self._producer._commit()
        except BaseException as failed:
            self._give_up(failed)
            raise

    def _give_up(self, error: BaseException) -> None:
        try:
            if self._producer.in_transaction:
                self._producer._abort()
        except Exception as failed:
            error.add_note(f"and the transaction could not be aborted: {failed}")

    def __repr__(self) -> str:
        state = "open" if self._producer.in_transaction else "over"
        return f"<levada.Transaction {state}>"
