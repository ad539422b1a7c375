"""An HTTP server around an ASGI application, safe against clients that are slow or too many."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from homeostat.errors import (
    HomeostatError,
    InputError,
    OverloadedError,
    ServingError,
    SlowRequestError,
)
from homeostat.gateway.problems import body_of, status_of

BACKLOG = 2048
MAX_HEADER_BYTES = 64 * 1024
KEEP_ALIVE_S = 75
FINISH_S = 10
"""How long requests under way may take to finish when the server stops."""


def listening(host: str, port: int, *, shared: bool) -> socket.socket:
    """A bound socket; ``shared`` lets several workers listen on the same port.

    Raises ServingError when the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise ServingError(
            f"the gateway could not listen: {error.strerror}",
            subject=f"{host}:{port}",
            next_step="another process may have the port: give another one with --port",
        ) from error
    return made


def server_of(
    app: Any,
    *,
    read_timeout_s: float,
    max_connections: int,
    connected: Callable[[int], None] = lambda _: None,
) -> uvicorn.Server:
    """A server for ``app``: serve it with ``await server.serve(sockets=[...])``.

    ``connected`` is told the number of open connections when it changes.
    """
    guard = _guarded(read_timeout_s, max_connections, connected)
    config = uvicorn.Config(
        app,
        http=guard,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=FINISH_S,
        backlog=BACKLOG,
    )
    return uvicorn.Server(config)


def _guarded(
    read_timeout_s: float, max_connections: int, connected: Callable[[int], None]
) -> type[HttpToolsProtocol]:
    """The protocol of one server: it counts connections and cuts off clients that drip."""
    open_connections: set[Any] = set()

    class Guarded(HttpToolsProtocol):
        """HTTP/1.1 with a limit on connections, on headers, and on the time of a request."""

        _timer: asyncio.TimerHandle | None = None
        _header_bytes = 0
        _reading_headers = False

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            open_connections.add(self)
            connected(len(open_connections))
            self._timer = self.loop.call_later(read_timeout_s, self._late)
            if len(open_connections) > max_connections:
                self._refuse(
                    OverloadedError(
                        f"{max_connections} connections are open already",
                        subject="connections",
                        next_step="ask again a little later, or start more workers",
                    )
                )

        def connection_lost(self, exc: Exception | None) -> None:
            open_connections.discard(self)
            connected(len(open_connections))
            self._stop_timer()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._timer is not None or self._unfinished():
                self._watch(len(data))

        def _unfinished(self) -> bool:
            """Whether a part of a request has arrived, and its end has not."""
            cycle = self.cycle
            if self._reading_headers or cycle is None:
                return True
            return bool(cycle.more_body) and not cycle.response_complete

        def on_message_begin(self) -> None:
            self._reading_headers = True
            self._header_bytes = 0
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._reading_headers = False
            super().on_headers_complete()

        def send_400_response(self, msg: str) -> None:
            self._refuse(
                InputError(msg, subject="request", next_step="send a well-formed HTTP/1.1 request")
            )

        def _watch(self, arrived: int) -> None:
            if not self._unfinished():
                self._stop_timer()
                return
            if self._reading_headers:
                self._header_bytes += arrived
                if self._header_bytes > MAX_HEADER_BYTES:
                    self._refuse(_slow("the headers are larger than 64 KiB"))
                    return
            if self._timer is None:
                self._timer = self.loop.call_later(read_timeout_s, self._late)

        def _late(self) -> None:
            self._timer = None
            if self._unfinished():
                self._refuse(_slow(f"the request took longer than {read_timeout_s:g} s to arrive"))

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _refuse(self, error: HomeostatError) -> None:
            """Say why, and hang up."""
            if self.transport.is_closing():
                return
            body = body_of(error)
            status = status_of(error)
            cycle = self.cycle
            if cycle is None or not cycle.response_started:
                head = (
                    f"HTTP/1.1 {status} {_PHRASES.get(status, 'Error')}\r\n"
                    "content-type: application/json\r\nconnection: close\r\nretry-after: 1\r\n"
                    f"content-length: {len(body)}\r\n\r\n"
                )
                self.transport.write(head.encode() + body)
            self.transport.close()

    return Guarded


_PHRASES = {408: "Request Timeout", 422: "Unprocessable Content", 503: "Service Unavailable"}


def _slow(problem: str) -> SlowRequestError:
    return SlowRequestError(
        problem, subject="request", next_step="send the whole request at once, and faster"
    )
