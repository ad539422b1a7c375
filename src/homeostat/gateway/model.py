"""A model that answers: few rows by the short path, many in columns, shadows afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from time import perf_counter
from typing import Any, Protocol

import orjson

from homeostat.domain.rollout import Routing
from homeostat.errors import InputError
from homeostat.gateway.arms import Arms
from homeostat.gateway.asked import Answers, Asked
from homeostat.gateway.many_rows import ManyRows
from homeostat.gateway.metrics import Metrics
from homeostat.gateway.rows import UNLOGGED, Row, Rows
from homeostat.gateway.shadows import Shadows
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.monitoring.redaction import Redaction
from homeostat.pipeline.schema import Schema
from homeostat.ports.clock import Clock
from homeostat.spec.project import Project

FEW_ROWS = 64
"""Up to so many rows are answered one by one, which is faster than building columns."""
MAX_ROWS = 100_000
"""Most rows in one request."""


class Filling(Protocol):
    """Fills in the features that a request left out, from the online store."""

    @property
    def needed(self) -> Sequence[str]:
        """Columns beside the features that a request may carry then: keys, ``derive``'s inputs."""
        ...

    def fill(
        self, columns: Mapping[str, Sequence[Any]], count: int, now: datetime
    ) -> tuple[dict[str, Sequence[Any]], Sequence[Mapping[str, str] | None]]:
        """All features by column, and per row the event time of what was fetched, by view."""
        ...

    def freshness(self, now: datetime) -> Mapping[str, float]:
        """Age of the newest row of each view, in seconds."""
        ...


class Model:
    """Implements :class:`homeostat.gateway.asked.Answering` over the arms in memory."""

    def __init__(
        self,
        project: Project,
        arms: Arms,
        log: PredictionLog,
        clock: Clock,
        online: Filling | None = None,
        redaction: Redaction | None = None,
    ) -> None:
        self.project = project
        self.online = online
        events = project.events
        self.beside = frozenset({events.id, *((events.entity,) if events.entity else ())})
        """Names beside the features that a request may carry."""
        if online is not None:
            self.beside |= frozenset(online.needed)
        self._clock = clock
        self.arms = arms
        self.rows = Rows(project, arms, log, clock, redaction)
        self.many = ManyRows(project, arms, log, clock, redaction)
        self.shadows = Shadows(
            self.rows, log.write_lines, project.serving.shadow_cpu, perf_counter()
        )

    def answer(self, asked: Asked) -> Answers:
        """Validate, route, score and log ``asked``; all rows are answered, or none."""
        if not 1 <= asked.count <= MAX_ROWS:
            raise InputError(
                f"{asked.count} rows, 1 to {MAX_ROWS:,} can be answered at once",
                subject="rows",
                next_step="split the request, or use `homeostat batch`",
            )
        fetched: Sequence[str | None] = ()
        if self.online is not None:
            asked, fetched = self._filled(asked)
        if asked.count > FEW_ROWS:
            return self.many.answer(asked, fetched, self.shadows.offer)
        names, columns = list(asked.columns), [_plain(c) for c in asked.columns.values()]
        began = perf_counter()
        rows = [
            self._read(dict(zip(names, values, strict=True)), place, asked.version, found, began)
            for place, (values, found) in enumerate(
                zip(zip(*columns, strict=True), fetched or [None] * asked.count, strict=True)
            )
        ]
        return self.answer_rows(rows)

    def features_of(self, keys: Mapping[str, str]) -> dict[str, Any]:
        """The features of views for ``keys``, as a request with these would get them now.

        Raises InputError for a key that is missing or unknown, and when there are no views.
        """
        if self.online is None:
            raise InputError(
                "no feature views are declared, so there is nothing to fetch",
                subject=self.project.model,
                next_step="declare features.views in the project file",
            )
        asked = {name: [self._typed(name, value)] for name, value in keys.items()}
        views = [name for name in self.project.features.names if "__" in name]
        others = {name: [None] for name in self.project.features.names if name not in views}
        columns, fetched = self.online.fill({**others, **asked}, 1, self._clock.now())
        shown = {name: columns[name][0] for name in views if name in columns}
        return {"features": shown, "fetched": fetched[0] or {}}

    def _typed(self, name: str, value: str) -> Any:
        """A key from a URL: a whole number where the project's checks say so."""
        whole = any(
            (check := self.project.sources[view.source].checks.columns.get(name)) is not None
            and check.type == "integer"
            for view in self.project.features.views.values()
        )
        return int(value) if whole and value.lstrip("-").isdecimal() else value

    def ages_s(self) -> Mapping[str, float]:
        """Age of the newest row of each view of the online store, in seconds."""
        return {} if self.online is None else self.online.freshness(self._clock.now())

    def filled(self, record: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
        """One record with the features that it left out, and what was fetched as JSON."""
        asked, fetched = self._filled(Asked({name: [v] for name, v in record.items()}, 1))
        return {name: values[0] for name, values in asked.columns.items()}, fetched[0]

    def _filled(self, asked: Asked) -> tuple[Asked, Sequence[str | None]]:
        assert self.online is not None
        if all(name in asked.columns for name in self.project.features.names):
            return asked, [None] * asked.count
        columns, fetched = self.online.fill(asked.columns, asked.count, self._clock.now())
        kept = {*self.project.features.names, self.project.events.id, self.project.events.entity}
        columns = {name: values for name, values in columns.items() if name in kept}
        texts = [None if one is None else orjson.dumps(one).decode() for one in fetched]
        return Asked(columns, asked.count, asked.version), texts

    def _read(
        self,
        record: Mapping[str, Any],
        place: int,
        version: int | None,
        fetched: str | None,
        began: float,
    ) -> Row:
        try:
            return self.rows.read(record, version, fetched, began)
        except InputError as error:
            error.subject = f"rows[{place}].{error.subject}"
            raise

    def answer_rows(self, rows: Sequence[Row]) -> Answers:
        """Score and log rows that were read."""
        self.rows.answer(rows)
        if len(rows[0].loaded.beside) > 1:
            self.shadows.offer(rows)
        return Answers(
            ids=[row.id for row in rows],
            events=[row.event for row in rows],
            versions=[row.arm.arm.version for row in rows],
            predictions=[row.prediction for row in rows],
            flags=[row.flags for row in rows],
        )

    def counted(self, answers: Answers, metrics: Metrics) -> None:
        """Count what was answered."""
        arms = self.arms.loaded.arms
        for version, count in Counter(answers.versions).items():
            role = arms[version].role if version in arms else "gone"
            metrics.predicted(version, role, count)
        unlogged = sum(bool(flags) and flags[-1] == UNLOGGED for flags in answers.flags)
        if unlogged:
            metrics.unlogged.labels(self.project.model).inc(unlogged)

    @property
    def slow(self) -> bool:
        """Whether a version is loaded that takes so long that others should not wait for it."""
        return any(arm.slow for arm in self.arms.loaded.arms.values())

    def observe(self) -> Routing:
        """The arms in memory."""
        return self.arms.observe()

    def schema(self, version: int | None = None) -> Schema:
        """What a version takes; None: the champion."""
        return self.arms.named(version).scorer.schema


def _plain(column: Sequence[object]) -> Sequence[object]:
    """Plain values of a column, numpy's among them."""
    return column.tolist() if hasattr(column, "tolist") else column
