"""The producer."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from ._closing import leave
from ._convert import warn_unclosed
from ._levada import ProducerCore
from ._transaction import Transaction

if TYPE_CHECKING:
    from typing import Self


class Producer(ProducerCore):
    """Sends records to topics; made by :meth:`Database.producer`. Threads may share one.

    ``send`` gathers records into batches and returns at once. With the topic setting
    ``levada.durability=disk`` a delivery that is done is on the disk.

    >>> import levada
    >>> with levada.open(":memory:") as db:
    ...     topic = db.create_topic("orders")
    ...     with db.producer() as p:
    ...         d = p.send("orders", b"tea", key=b"42", headers=[("trace", b"1")])
    ...         d.result(timeout=5).offset
    0

    Leaving ``with`` flushes and raises the first failure that nobody has seen.
    """

    def transaction(self) -> Transaction:
        """A transaction, for ``with``: leaving commits, an exception aborts.

        The producer needs a ``transactional_id``: a lasting name of its own. A newer producer of
        the same name fences this one: :class:`levada.FencedError`.
        """
        return Transaction(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        leave("producer", error, self.close)

    def __del__(self) -> None:
        try:
            if not self.closed:
                warn_unclosed(self)
        except Exception:
            # Made before a fork, or never made.
            return

    def __repr__(self) -> str:
        try:
            state = "closed" if self.closed else f"{self.buffered_bytes} bytes on their way"
        except Exception as error:
            state = str(error)
        return f"<levada.Producer {state}>"
