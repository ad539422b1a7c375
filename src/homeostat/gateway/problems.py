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
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def body_of(error: HomeostatError) -> bytes:
    """The JSON that says what is wrong: code, error, problem, subject, next_step."""
    return orjson.dumps(error.as_dict())


def headers_of(status: int) -> list[tuple[bytes, bytes]]:
    """Extra headers of a status: Retry-After where asking again helps."""
    return [(b"retry-after", b"%d" % RETRY_AFTER_S)] if status == 503 else []
