"""The routes of the Open Inference Protocol over HTTP. docs/open-inference-protocol.md."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import orjson

from homeostat.errors import (
    HomeostatError,
    InputError,
    MethodError,
    UnknownModelError,
    UnknownRouteError,
)
from homeostat.gateway.exchange import JSON, Reply
from homeostat.gateway.metrics import Metrics
from homeostat.gateway.model import Model
from homeostat.gateway.problems import headers_of, status_of
from homeostat.gateway.v2 import describe
from homeostat.gateway.v2.rest import Target, infer
from homeostat.gateway.v2.versions import version_of

Handler = Callable[[bytes, dict[bytes, bytes]], Awaitable[Reply]]
InThread = Callable[[Callable[[], Any]], Awaitable[Any]]

HEADER_LENGTH = b"inference-header-content-length"
LARGE_BYTES = 16 * 1024
"""A body from here on is answered in a thread."""


class ProtocolRoutes:
    """Finds the handler of a request under ``/v2``."""

    def __init__(self, model: Model, metrics: Metrics, in_thread: InThread) -> None:
        self._model = model
        self._metrics = metrics
        self._in_thread = in_thread
        self._name = model.project.model

    def find(self, method: str, path: str) -> tuple[str, Handler]:
        """Name and handler; UnknownRouteError, MethodError, UnknownModelError."""
        parts = path.strip("/").split("/")
        wanted, name, handler = self._table(parts, path)
        if method != wanted and not (method == "HEAD" and wanted == "GET"):
            raise MethodError(
                f"{method} is not for this route", subject=path, next_step=f"use {wanted}"
            )
        return name, handler

    def _table(self, parts: list[str], path: str) -> tuple[str, str, Handler]:
        fixed: dict[tuple[str, ...], tuple[str, str, Handler]] = {
            ("v2",): ("GET", "v2.server", self._server),
            ("v2", "health", "live"): ("GET", "v2.live", self._live),
            ("v2", "health", "ready"): ("GET", "v2.ready", self._ready),
            ("v2", "repository", "index"): ("POST", "v2.index", self._index),
        }
        found = fixed.get(tuple(parts))
        if found is not None:
            return found
        if parts[:2] == ["v2", "models"] and len(parts) > 2:
            return self._of_model(parts[2:], path)
        raise _nowhere(path)

    def _of_model(self, parts: list[str], path: str) -> tuple[str, str, Handler]:
        if parts[0] != self._name:
            raise UnknownModelError(
                f"there is no model '{parts[0]}' here",
                subject=parts[0],
                next_step=f"this gateway serves '{self._name}'",
            )
        rest, version = parts[1:], None
        if rest[:1] == ["versions"] and len(rest) > 1:
            version, rest = version_of(rest[1]), rest[2:]
        made: dict[tuple[str, ...], tuple[str, str, Handler]] = {
            (): ("GET", "v2.model", lambda *_: self._metadata(version)),
            ("ready",): ("GET", "v2.model_ready", lambda *_: self._model_ready(version)),
            ("infer",): ("POST", "v2.infer", lambda body, h: self._infer(body, h, version)),
        }
        found = made.get(tuple(rest))
        if found is None:
            raise _nowhere(path)
        return found

    def failed(self, error: HomeostatError) -> Reply:
        """The protocol's error shape: ``{"error": ...}``."""
        status = status_of(error)
        body = orjson.dumps({"error": str(error)})
        answer = Reply(400 if status == 422 else status, body, (JSON, *headers_of(status)))
        if isinstance(error, MethodError):
            allow = error.next_step.removeprefix("use ").encode()
            return replace(answer, headers=(*answer.headers, (b"allow", allow)))
        return answer

    # -- answering ----------------------------------------------------------------------

    async def _server(self, *_: object) -> Reply:
        return _json(describe.server())

    async def _live(self, *_: object) -> Reply:
        return _json({"live": True})

    async def _ready(self, *_: object) -> Reply:
        ready = self._model.arms.ready
        return _json({"ready": ready}, 200 if ready else 503)

    async def _metadata(self, version: int | None) -> Reply:
        schema = self._model.schema(version)
        return _json(describe.model(self._name, schema, self._model.observe(), version))

    async def _model_ready(self, version: int | None) -> Reply:
        self._model.arms.named(version)
        return _json({"name": self._name, "ready": True})

    async def _index(self, body: bytes, _: dict[bytes, bytes]) -> Reply:
        try:
            asked = orjson.loads(body) if body.strip() else {}
        except orjson.JSONDecodeError as error:
            raise InputError(
                f"the body is not JSON: {error}", subject="body", next_step="send {} or nothing"
            ) from error
        ready_only = isinstance(asked, dict) and asked.get("ready") is True
        return _json(describe.index(self._name, self._model.observe(), ready_only))

    async def _infer(self, body: bytes, headers: dict[bytes, bytes], version: int | None) -> Reply:
        length = _header_length(headers)
        target = Target(self._name, self._model.beside, version)

        def answered() -> tuple[bytes, int | None]:
            written, head, answers = infer(body, length, self._model, target)
            self._model.counted(answers, self._metrics)
            return written, head

        slow = len(body) > LARGE_BYTES or self._model.slow
        written, head = await self._in_thread(answered) if slow else answered()
        if head is None:
            return Reply(200, written)
        return Reply(
            200,
            written,
            ((b"content-type", b"application/octet-stream"), (HEADER_LENGTH, b"%d" % head)),
        )


def _header_length(headers: dict[bytes, bytes]) -> int | None:
    given = headers.get(HEADER_LENGTH)
    if given is None:
        return None
    if not given.isdigit() or len(given) > 12:
        raise InputError(
            "it is no whole number",
            subject="Inference-Header-Content-Length",
            next_step="send the length of the JSON in bytes",
        )
    return int(given)


def _nowhere(path: str) -> UnknownRouteError:
    return UnknownRouteError(
        "there is no such route", subject=path, next_step="see /openapi.json for the routes"
    )


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(status, orjson.dumps(value))
