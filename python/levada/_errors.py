"""The exceptions of the package.

Each says by its class what the caller should do; catch :class:`Error` for all of them.
"""

from __future__ import annotations

import builtins


class Error(Exception):
    """Base of every error that Levada raises.

    ``code`` is Kafka's error number, ``retriable`` whether the same call may succeed later.
    """

    code: int = -1
    retriable: bool = False
    kind: str = "internal"


class InvalidError(Error, ValueError):
    """The call is wrong: fix it."""

    kind = "invalid"


class NotFoundError(Error, LookupError):
    """What was named is not there: create it, or name another."""

    kind = "not_found"


class ExistsError(Error):
    """What should be made is there already."""

    kind = "exists"


class OffsetOutOfRangeError(Error, LookupError):
    """The offset lies outside the log: seek."""

    kind = "out_of_range"


class ConflictError(Error):
    """Somebody else was faster, or uses it now: refresh, rejoin or wait."""

    kind = "conflict"


class FencedError(ConflictError):
    """A newer producer or member took this one's place: stop."""

    kind = "fenced"


class DeniedError(Error, PermissionError):
    """Rights are missing."""

    kind = "denied"


class UnavailableError(Error):
    """Not now: retry."""

    kind = "unavailable"


class TimeoutError(Error, builtins.TimeoutError):
    """It did not happen within the time given: retry, or allow more time."""

    kind = "timeout"


class CorruptError(Error):
    """Stored or received bytes are damaged: restore or repair."""

    kind = "corrupt"


class ClosedError(Error):
    """The handle is closed, or was made before a fork: open again."""

    kind = "closed"


class InternalError(Error):
    """A defect of Levada's own: report it."""

    kind = "internal"
