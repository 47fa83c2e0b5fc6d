"""How a ``with`` ends."""

from __future__ import annotations

from collections.abc import Callable


def leave(
    what: str,
    error: BaseException | None,
    close: Callable[[], None],
    after_failure: Callable[[], None] | None = None,
) -> None:
    """Closes ``what`` on leaving ``with``, by ``after_failure`` if the block failed.

    The error of the block goes on; that closing failed too is noted with it.
    """
    if error is None:
        close()
        return
    try:
        (after_failure or close)()
    except Exception as failed:
        error.add_note(f"and the {what} could not be closed: {failed}")
