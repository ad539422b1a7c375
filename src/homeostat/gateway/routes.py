"""All routes but the prediction of one: health, models, labels, metrics, documents, and v2."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl

import orjson
from prometheus_client import CONTENT_TYPE_LATEST

from homeostat import __version__
from homeostat.errors import HomeostatError, MethodError, UnknownModelError, UnknownRouteError
from homeostat.gateway.docs_page import docs_page
from homeostat.gateway.exchange import JSON, QUERY, Reply, failed
from homeostat.gateway.label_route import LabelRoute
from homeostat.gateway.metrics import Metrics
from homeostat.gateway.model import Model
from homeostat.gateway.openapi import openapi
from homeostat.gateway.records import parsed
from homeostat.gateway.standing import Standing
from homeostat.gateway.v2.routes import ProtocolRoutes
from homeostat.monitoring.log_lag import LogLag

Handler = Callable[[bytes, dict[bytes, bytes]], Awaitable[Reply]]
InThread = Callable[[Callable[[], Any]], Awaitable[Any]]


class Routes:
    """Finds the handler of a request. ``in_thread`` runs work beside the loop."""

    in_thread: InThread
    protocol: ProtocolRoutes

    def __init__(
        self,
        model: Model,
        labels: LabelRoute,
        metrics: Metrics,
        standing: Standing,
        lag: Callable[[], LogLag],
    ) -> None:
        self._model = model
        self._labels = labels
        self._metrics = metrics
        self._standing = standing
        self._lag = lag
        base = f"/v1/models/{model.project.model}"
        self._table: dict[str, dict[str, tuple[str, Handler]]] = {
            "/": {"GET": ("docs", self._docs)},
            "/openapi.json": {"GET": ("openapi", self._openapi)},
            "/healthz": {"GET": ("healthz", self._healthz)},
            "/readyz": {"GET": ("readyz", self._readyz)},
            "/metrics": {"GET": ("metrics", self._metrics_page)},
            "/v1/models": {"GET": ("models", self._models)},
            base: {"GET": ("model", self._described_model)},
            f"{base}/labels": {"POST": ("labels", self._post_labels)},
            f"{base}/features": {"GET": ("features", self._features)},
            f"{base}/predict": {},
        }

    # -- finding ------------------------------------------------------------------------

    def find(self, method: str, path: str) -> tuple[str, Handler]:
        """Name and handler of a route. Under ``/v2`` it is the Open Inference Protocol's.

        Raises UnknownRouteError, MethodError, UnknownModelError.
        """
        if _of_protocol(path):
            return self.protocol.find(method, path)
        methods = self._table.get(path)
        if methods is None:
            raise self._nowhere(path)
        found = methods.get("GET" if method == "HEAD" else method)
        if found is None:
            raise MethodError(
                f"{method} is not for this route",
                subject=path,
                next_step=f"use {', '.join(methods) or 'POST'}",
            )
        return found

    def failed(self, error: HomeostatError, path: str) -> Reply:
        """The answer to an error on a path, in the shape of its protocol."""
        if _of_protocol(path):
            return self.protocol.failed(error)
        answer = failed(error)
        if isinstance(error, MethodError):
            allow = ", ".join(self._table.get(error.subject) or ("POST",)).encode()
            return replace(answer, headers=(*answer.headers, (b"allow", allow)))
        return answer

    def _nowhere(self, path: str) -> HomeostatError:
        parts = path.split("/")
        if parts[1:3] == ["v1", "models"] and len(parts) > 3:
            name = self._model.project.model
            if parts[3] != name:
                return UnknownModelError(
                    f"there is no model '{parts[3]}' here",
                    subject=parts[3],
                    next_step=f"this gateway serves '{name}'",
                )
        return UnknownRouteError(
            "there is no such route", subject=path, next_step="see /openapi.json for the routes"
        )

    # -- answering ----------------------------------------------------------------------

    async def _healthz(self, *_: object) -> Reply:
        return _json({"status": "alive", "homeostat": __version__})

    async def _readyz(self, *_: object) -> Reply:
        ready = self._model.arms.ready
        answer = {
            "ready": ready,
            "model": self._model.project.model,
            "controller": self._standing.describe(monotonic()),
        }
        return _json(answer, 200 if ready else 503)

    async def _metrics_page(self, *_: object) -> Reply:
        text = await self.in_thread(self._measured)
        return Reply(200, text, ((b"content-type", CONTENT_TYPE_LATEST.encode()),))

    def _measured(self) -> bytes:
        """Look at what is not counted while answering, then write the page."""
        name, metrics = self._model.project.model, self._metrics
        metrics.controller.labels(name).set(int(self._standing.controlled(monotonic())))
        lag = self._lag()
        metrics.log_bytes.labels(name).set(lag.unsealed_bytes)
        metrics.log_lag.labels(name).set(lag.age_s)
        if self._model.online is not None:
            for view, age_s in self._model.ages_s().items():
                metrics.freshness.labels(name, view).set(age_s)
        return metrics.text()

    async def _models(self, *_: object) -> Reply:
        return _json({"models": [self._described()]})

    async def _described_model(self, *_: object) -> Reply:
        shown = []
        if self._model.arms.ready:
            shown = [
                {"name": f.name, "kind": f.kind, "null_allowed": f.null_allowed}
                for f in self._model.schema().features
            ]
        return _json({**self._described(), "features": shown})

    def _described(self) -> dict[str, Any]:
        arms = [
            {
                "version": arm.version,
                "digest": arm.digest,
                "share": arm.share,
                "shadow": arm.shadow,
                "role": self._model.arms.loaded.arms[arm.version].role,
                "engine": self._model.arms.loaded.arms[arm.version].scorer.engine,
            }
            for arm in self._model.observe().arms
        ]
        project = self._model.project
        return {"model": project.model, "task": project.task, "arms": arms}

    async def _post_labels(self, body: bytes, _: dict[bytes, bytes]) -> Reply:
        document = parsed(body)
        answer = await self.in_thread(lambda: self._labels.answer(document))
        for outcome, count in answer.items():
            if isinstance(count, int):
                self._metrics.labels.labels(self._model.project.model, outcome).inc(count)
        return _json(answer, 202)

    async def _features(self, _: bytes, headers: dict[bytes, bytes]) -> Reply:
        keys = dict(parse_qsl(headers[QUERY].decode("utf-8", "replace"), keep_blank_values=True))
        return _json(await self.in_thread(lambda: self._model.features_of(keys)))

    async def _openapi(self, *_: object) -> Reply:
        return _json(self._document())

    async def _docs(self, *_: object) -> Reply:
        page = docs_page(self._document(), self._described()).encode()
        return Reply(200, page, ((b"content-type", b"text/html; charset=utf-8"),))

    def _document(self) -> dict[str, Any]:
        champion, online = self._model.arms.loaded.champion, self._model.online
        needed = online.needed if online is not None else None
        if champion is None:
            return openapi(self._model.project, None, None, needed)
        return openapi(self._model.project, champion.scorer.schema, champion.example, needed)


def _of_protocol(path: str) -> bool:
    return path == "/v2" or path.startswith("/v2/")


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(status, orjson.dumps(value), (JSON,))
