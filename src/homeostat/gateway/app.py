"""The gateway as a raw ASGI application: predictions first, everything else by a table.

docs/http.md is its manual.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import TypeVar

from homeostat.domain.rollout import Routing
from homeostat.errors import HomeostatError, OverloadedError, UnexpectedError
from homeostat.gateway import friendly
from homeostat.gateway.arms import Loaded
from homeostat.gateway.asked import Asked
from homeostat.gateway.batcher import Batcher
from homeostat.gateway.exchange import (
    JSON,
    QUERY,
    Message,
    Receive,
    Reply,
    Scope,
    Send,
    body_in,
    live,
    reply,
)
from homeostat.gateway.metrics import Metrics
from homeostat.gateway.model import FEW_ROWS, Model
from homeostat.gateway.records import columns_of, parsed, records_of
from homeostat.gateway.routes import Routes
from homeostat.gateway.rows import UNLOGGED, Row
from homeostat.gateway.v2.routes import ProtocolRoutes

T = TypeVar("T")
SHADOW_PAUSE_S = 0.005
"""How long rows for other arms wait, so that they are scored together."""
THREADS = 4

_log = logging.getLogger("homeostat.gateway")


class Gateway:
    """The ASGI application over one model."""

    def __init__(self, model: Model, metrics: Metrics, routes: Routes) -> None:
        self.model = model
        self.metrics = metrics
        self._routes = routes
        routes.in_thread = self.in_thread
        routes.protocol = ProtocolRoutes(model, metrics, self.in_thread)
        project = model.project
        self._binary = project.task == "binary"
        self._path = f"/v1/models/{project.model}/predict"
        self._limit = project.serving.max_body_mb * 1024 * 1024
        self._max_waiting = project.serving.max_waiting
        self._names = project.features.names
        self._optional = tuple(n for n in (project.events.id, project.events.entity) if n)
        self._observe = metrics.latency.labels(project.model, "predict").observe
        self._pool = ThreadPoolExecutor(THREADS, "answer")
        self._waiting = 0
        self._shadowing = False
        declared = project.serving.micro_batch
        self._batcher = Batcher(declared, model.rows.answer) if declared.max_rows > 1 else None
        self._shown = Routing()
        model.arms.when_swapped(self._swapped)
        self._swapped(model.arms.loaded)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http":
            if scope["path"] == self._path and scope["method"] == "POST":
                await self._predict(receive, send)
            else:
                await self._other(scope, receive, send)
        elif scope["type"] == "lifespan":
            await live(receive, send)

    # -- predictions --------------------------------------------------------------------

    async def _predict(self, receive: Receive, send: Send) -> None:
        began = perf_counter()
        message = await receive()
        try:
            if message.get("more_body") or message["type"] != "http.request":
                body = await body_in(receive, message, self._limit)
            else:
                body = message["body"]
            document = parsed(body)
            if type(document) is dict and "rows" not in document:
                answer = await self._one(document, began)
            else:
                answer = await self._many(document)
        except Exception as error:
            await self._failed(error, "predict", self._path, send)
        else:
            await reply(send, 200, answer, [JSON])
        self._observe(perf_counter() - began)

    async def _one(self, record: dict[str, object], began: float) -> bytes:
        model = self.model
        if model.online is not None and not all(name in record for name in self._names):
            record, fetched = model.filled(record)
            row = model.rows.read(record, None, fetched, began)
        else:
            row = model.rows.read(record, None, None, began)
        if self._batcher is not None:
            await self._batcher.answered(row)
        elif row.arm.slow:
            await self.in_thread(lambda: model.rows.answer((row,)))
        else:
            model.rows.answer((row,))
        self.metrics.answered(row.arm.arm.version, row.role, perf_counter() - began)
        if row.flags and row.flags[-1] == UNLOGGED:
            self.metrics.unlogged.labels(model.project.model).inc()
        if len(row.loaded.beside) > 1:
            self._beside(row)
        return friendly.one(row, self._binary)

    async def _many(self, document: object) -> bytes:
        records = records_of(document)
        if len(records) > FEW_ROWS or self.model.slow:
            answer = await self.in_thread(lambda: self._answered(records))
        else:
            answer = self._answered(records)
        self.shadow_soon()
        return answer

    def _answered(self, records: list[dict[str, object]]) -> bytes:
        names: tuple[str, ...] | list[str] = self._names
        optional = self._optional
        if self.model.online is not None:
            names = [name for name in names if name in records[0]]
            optional = (*optional, *self.model.online.needed)
        columns = columns_of(records, names, optional)
        answers = self.model.answer(Asked(columns, len(records)))
        self.model.counted(answers, self.metrics)
        return friendly.many(answers, self._binary)

    # -- everything else ----------------------------------------------------------------

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        name = "unknown"
        try:
            name, handler = self._routes.find(scope["method"], scope["path"])
            message: Message = await receive()
            body = await body_in(receive, message, self._limit)
            headers = dict(scope["headers"])
            headers[QUERY] = scope.get("query_string", b"")
            answer = await handler(body, headers)
        except Exception as error:
            await self._failed(error, name, scope["path"], send)
        else:
            await reply(send, answer.status, answer.body, list(answer.headers))
            self.shadow_soon()
        self.metrics.latency.labels(self.model.project.model, name).observe(perf_counter() - began)

    @property
    def waiting(self) -> int:
        """Rows that wait for a micro-batch, and requests that wait for a thread or are in one."""
        return self._waiting + (len(self._batcher) if self._batcher is not None else 0)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run ``work`` beside the loop; OverloadedError when too much waits already."""
        if self._waiting >= self._max_waiting:
            raise OverloadedError(
                f"{self._waiting} requests wait already",
                subject=self.model.project.model,
                next_step="ask again a little later, or start more workers",
            )
        waiting = self.metrics.waiting.labels(self.model.project.model)
        self._waiting += 1
        waiting.inc()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1
            waiting.dec()

    async def _failed(self, error: Exception, route: str, path: str, send: Send) -> None:
        """One shape for every error; what nobody foresaw goes to the log with its trace."""
        if not isinstance(error, HomeostatError):
            _log.error("a request to %s failed", route, exc_info=error)
            error = UnexpectedError(
                f"an unforeseen {type(error).__name__}",
                subject=route,
                next_step="see the gateway's log, and report it",
            )
        self.metrics.errors.labels(self.model.project.model, route, error.code).inc()
        answer: Reply = self._routes.failed(error, path)
        await reply(send, answer.status, answer.body, list(answer.headers))

    # -- shadows ------------------------------------------------------------------------

    def _beside(self, row: Row) -> None:
        self.model.shadows.offer((row,))
        self.shadow_soon()

    def shadow_soon(self) -> None:
        """See to it that waiting shadow rows are scored, after the answers under way."""
        if not self._shadowing and len(self.model.shadows):
            self._shadowing = True
            asyncio.get_running_loop().call_later(SHADOW_PAUSE_S, self._shadow)

    def _shadow(self) -> None:
        self._shadowing = False
        if self.model.slow:
            loop = asyncio.get_running_loop()
            done = loop.run_in_executor(self._pool, self.model.shadows.work, perf_counter())
            done.add_done_callback(lambda _: self._shadowed())
        else:
            self.model.shadows.work(perf_counter())
            self._shadowed()

    def _shadowed(self) -> None:
        shadows, model = self.model.shadows, self.model.project.model
        for outcome, count in shadows.taken_counts().items():
            if count:
                self.metrics.shadows.labels(model, outcome).inc(count)
        self.metrics.shadow_waiting.labels(model).set(len(shadows))
        self.shadow_soon()

    def _swapped(self, loaded: Loaded) -> None:
        self.metrics.routed(loaded.routing, self._shown)
        self._shown = loaded.routing
