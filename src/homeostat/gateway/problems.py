"""Every error as an HTTP answer: status, one JSON shape, and when to ask again. PURE."""

from __future__ import annotations

import orjson

from homeostat.errors import (
    BodyTooLargeError,
    HomeostatError,
    InputError,
    MethodError,
    OrderError,
    ServingError,
    SlowRequestError,
    StateError,
    UnexpectedError,
    UnknownModelError,
    UnknownRouteError,
)

RETRY_AFTER_S = 1

_STATUS: tuple[tuple[type[HomeostatError], int], ...] = (
    (BodyTooLargeError, 413),
    (SlowRequestError, 408),
    (UnknownRouteError, 404),
    (MethodError, 405),
    (InputError, 422),
    (UnknownModelError, 404),
    (OrderError, 409),
    (UnexpectedError, 500),
    (ServingError, 503),
    (StateError, 503),
)


def status_of(error: HomeostatError) -> int:
    """The HTTP status of an error."""
    return _status(type(error))


def fault_codes() -> frozenset[str]:
    """Codes of the errors that are the server's own: those answered with a 5xx."""
    waiting, found = [HomeostatError], set()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if _status(kind) >= 500:
            found.add(kind.code)
    return frozenset(found)


def _status(kind: type[HomeostatError]) -> int:
    return next((status for base, status in _STATUS if issubclass(kind, base)), 500)


def body_of(error: HomeostatError) -> bytes:
    """The JSON that says what is wrong: code, error, problem, subject, next_step."""
    return orjson.dumps(error.as_dict())


def headers_of(status: int) -> list[tuple[bytes, bytes]]:
    """Extra headers of a status: Retry-After where asking again helps."""
    return [(b"retry-after", b"%d" % RETRY_AFTER_S)] if status == 503 else []
