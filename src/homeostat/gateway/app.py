"""The gateway over HTTP: predict, labels, models, health, metrics. docs/http.md is its manual."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from homeostat import __version__
from homeostat.errors import (
    DiskFullError,
    HomeostatError,
    InputError,
    NotReadyError,
    UnknownModelError,
)
from homeostat.gateway.host import Host
from homeostat.gateway.metrics import Metrics
from homeostat.gateway.openapi import docs_page, openapi
from homeostat.gateway.requests import MAX_BYTES, labels_of, parsed, rows_of
from homeostat.monitoring.label_log import LabelLog
from homeostat.ports.clock import Clock
from homeostat.spec.project import Project

Handler = Callable[[Request], Awaitable[Response]]
STATUS = {InputError: 422, UnknownModelError: 404, NotReadyError: 503, DiskFullError: 503}


class Gateway:
    """The HTTP face of one host. ``app`` is the ASGI application."""

    def __init__(self, project: Project, host: Host, labels: LabelLog, clock: Clock) -> None:
        self._project = project
        self._host = host
        self._labels = labels
        self._clock = clock
        self._lock = threading.Lock()
        self.metrics = Metrics()
        self.metrics.controller.labels(project.model).set(0)
        self.app = Starlette(
            routes=[
                Route("/", self._guarded("docs", self._docs)),
                Route("/openapi.json", self._guarded("openapi", self._openapi)),
                Route("/healthz", self._guarded("healthz", self._healthz)),
                Route("/readyz", self._guarded("readyz", self._readyz)),
                Route("/metrics", self._guarded("metrics", self._metrics)),
                Route("/v1/models", self._guarded("models", self._models)),
                Route("/v1/models/{model}", self._guarded("model", self._model)),
                Route(
                    "/v1/models/{model}/predict",
                    self._guarded("predict", self._predict),
                    methods=["POST"],
                ),
                Route(
                    "/v1/models/{model}/labels",
                    self._guarded("labels", self._post_labels),
                    methods=["POST"],
                ),
            ],
            exception_handlers={HTTPException: self._no_route},
        )

    # -- routes -------------------------------------------------------------------------

    async def _predict(self, request: Request) -> Response:
        self._known(request)
        document = parsed(await _body(request))
        answers, single = await asyncio.to_thread(self._answer, document)
        return _json(answers[0] if single else {"predictions": answers})

    def _answer(self, document: Any) -> tuple[list[dict[str, Any]], bool]:
        import polars as pl

        events = self._project.events
        schema = self._host.schema()
        rows, single = rows_of(document, events.id, events.entity, schema)
        now = self._clock.now()
        unnamed = [
            value if value is not None else f"{now.isoformat()}/{self._next()}"
            for value in rows[events.id].cast(pl.String).to_list()
        ]
        rows = rows.with_columns(pl.Series(events.id, unnamed, dtype=pl.String))
        answered = self._host.predict(rows, batch=False)
        for version, count in answered["version"].value_counts().iter_rows():
            self.metrics.predictions.labels(self._project.model, version, self._arm(version)).inc(
                count
            )
        answers = answered.rename({"event": "event_id"}).to_dicts()
        if self._project.task == "binary":
            for answer in answers:
                answer["label"] = answer["prediction"] >= 0.5
        return answers, single

    async def _post_labels(self, request: Request) -> Response:
        self._known(request)
        labels = labels_of(parsed(await _body(request)))
        posted = await asyncio.to_thread(self._labels.post, labels, self._clock.now())
        counts = {
            "accepted": posted.accepted,
            "repeated": posted.repeated,
            "corrected": posted.corrected,
        }
        for outcome, count in counts.items():
            self.metrics.labels.labels(self._project.model, outcome).inc(count)
        return _json(counts, 202)

    async def _models(self, _: Request) -> Response:
        return _json({"models": [self._described()]})

    async def _model(self, request: Request) -> Response:
        self._known(request)
        features = self._host.schema().features if self._host.ready else ()
        shown = [{"name": f.name, "kind": f.kind, "null_allowed": f.null_allowed} for f in features]
        return _json({**self._described(), "features": shown})

    async def _healthz(self, _: Request) -> Response:
        return _json({"status": "alive", "homeostat": __version__})

    async def _readyz(self, _: Request) -> Response:
        ready = self._host.ready
        return _json({"ready": ready, "model": self._project.model}, 200 if ready else 503)

    async def _metrics(self, _: Request) -> Response:
        for arm in self._host.observe().arms:
            self.metrics.share.labels(self._project.model, arm.version).set(
                0.0 if arm.shadow else arm.share
            )
        return Response(
            generate_latest(self.metrics.registry), headers={"content-type": CONTENT_TYPE_LATEST}
        )

    async def _openapi(self, _: Request) -> Response:
        return _json(self._document())

    async def _docs(self, _: Request) -> Response:
        return HTMLResponse(docs_page(self._document()))

    # -- what they share ----------------------------------------------------------------

    def _document(self) -> dict[str, Any]:
        features = self._host.schema().features if self._host.ready else ()
        return openapi(self._project, features)

    def _described(self) -> dict[str, Any]:
        routing = self._host.observe()
        arms = [
            {"version": a.version, "digest": a.digest, "share": a.share, "shadow": a.shadow}
            for a in routing.arms
        ]
        return {"model": self._project.model, "task": self._project.task, "arms": arms}

    def _arm(self, version: int) -> str:
        answering = self._host.observe().answering
        return "champion" if answering and answering[0].version == version else "canary"

    def _next(self) -> int:
        with self._lock:
            self._count = getattr(self, "_count", 0) + 1
            return self._count

    def _known(self, request: Request) -> None:
        name = request.path_params["model"]
        if name != self._project.model:
            raise UnknownModelError(
                f"there is no model '{name}' here",
                subject=name,
                next_step=f"this gateway serves '{self._project.model}'",
            )

    def _guarded(self, route: str, handler: Handler) -> Handler:
        """Every answer is timed, and every error has the one shape."""

        async def guarded(request: Request) -> Response:
            began = perf_counter()
            try:
                return await handler(request)
            except HomeostatError as error:
                self.metrics.errors.labels(self._project.model, route, error.code).inc()
                status = next((s for kind, s in STATUS.items() if isinstance(error, kind)), 500)
                return _failed(error, status)
            finally:
                spent = perf_counter() - began
                self.metrics.latency.labels(self._project.model, route).observe(spent)

        return guarded

    async def _no_route(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        problem = InputError(
            f"{request.method} {request.url.path}: {error.detail}",
            subject=request.url.path,
            next_step="see /openapi.json for the routes",
        )
        return _failed(problem, error.status_code)


async def _body(request: Request) -> bytes:
    """The body; InputError when it is larger than allowed, before it fills the memory."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BYTES:
            raise InputError(
                f"the body is larger than {MAX_BYTES // 1024 // 1024} MiB",
                subject="body",
                next_step="split the request",
            )
    return bytes(content)


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


def _failed(error: HomeostatError, status: int) -> Response:
    headers = {"retry-after": "5"} if status == 503 else {}
    return Response(
        orjson.dumps(error.as_dict()), status, headers=headers, media_type="application/json"
    )
