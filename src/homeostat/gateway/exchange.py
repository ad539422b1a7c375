"""Reading a request's body and sending an answer, on raw ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from homeostat.errors import BodyTooLargeError, HomeostatError, SlowRequestError
from homeostat.gateway.problems import body_of, headers_of, status_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

QUERY = b":query"
"""Where a handler finds the query of the request's URL among the headers."""
JSON: tuple[bytes, bytes] = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is ready to be sent."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = (JSON,)


def failed(error: HomeostatError) -> Reply:
    """The answer that says what is wrong."""
    status = status_of(error)
    return Reply(status, body_of(error), (JSON, *headers_of(status)))


async def body_in(receive: Receive, first: Message, limit: int) -> bytes:
    """The whole body, of which ``first`` is the first part.

    Raises BodyTooLargeError before more than ``limit`` bytes are held, SlowRequestError when
    the client is gone or was cut off.
    """
    message, parts, size = first, [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise SlowRequestError(
                "the request ended before its body did",
                subject="body",
                next_step="send the whole body, and faster",
            )
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise too_large(limit)
        parts.append(part)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)
        message = await receive()


def too_large(limit: int) -> BodyTooLargeError:
    """What to say of a body over ``limit`` bytes."""
    return BodyTooLargeError(
        f"the body is larger than {limit / 1024 / 1024:g} MiB",
        subject="body",
        next_step="split the request, or use `homeostat batch`",
    )


async def reply(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """Send one whole answer."""
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def live(receive: Receive, send: Send) -> None:
    """The lifespan protocol: there is nothing to start or stop here."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
