"""One row on its way through the gateway: read, routed, scored, logged."""

from __future__ import annotations

import itertools
import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any

import numpy as np
import orjson

from homeostat.errors import DiskFullError, InputError
from homeostat.gateway.arms import Arms, Loaded, LoadedArm, not_ready
from homeostat.gateway.checks import Values
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.monitoring.redaction import Redaction
from homeostat.ports.clock import Clock
from homeostat.spec.project import Project

UNLOGGED = "unlogged"
"""Flag of a prediction that was answered although the log could not be written."""


@dataclass(slots=True)
class Row:
    """A row that was read and routed. ``prediction`` is set when it was scored.

    ``propensity`` is the probability with which its arm was chosen.
    """

    loaded: Loaded
    arm: LoadedArm
    role: str
    id: str
    event: str
    entity: str
    values: Values
    flags: list[str]
    propensity: float | None
    fetched: str | None
    began: float
    at: datetime | None = None
    prediction: float = 0.0


class Rows:
    """Reads records and answers them, a few at a time. Safe to use from several threads.

    A record is a mapping from names to values: all features, and optionally the event's id and
    the entity. Ids of predictions are unique over processes and restarts.
    """

    def __init__(
        self,
        project: Project,
        arms: Arms,
        log: PredictionLog,
        clock: Clock,
        redaction: Redaction | None = None,
    ) -> None:
        self._redact = redaction.record if redaction else None
        self._redaction = redaction
        self._model = project.model
        self._arms = arms
        self._log = log
        self._clock = clock
        names = set(project.features.names)
        self._identity = project.events.id
        self._entity = project.events.entity
        self._id_apart = int(self._identity not in names)
        self._entity_apart = int(
            self._entity is not None
            and self._entity != self._identity
            and self._entity not in names
        )
        self._answer_unlogged = project.serving.log.when_full == "answer"
        self._token = secrets.token_hex(6)
        self._count = itertools.count(1)
        self._random = random.Random(self._token)  # noqa: S311  # traffic, no secret

    def read(
        self,
        record: Mapping[str, Any],
        version: int | None = None,
        fetched: str | None = None,
        began: float | None = None,
    ) -> Row:
        """Check one record and choose its arm. InputError, NotReadyError, UnknownModelError."""
        began = perf_counter() if began is None else began
        number = next(self._count)
        event = record.get(self._identity)
        others = self._id_apart if event is not None or self._identity in record else 0
        event = f"{self._token}-{number:x}" if event is None else self._text(event, self._identity)
        entity = event
        if self._entity is not None and self._entity in record:
            others += self._entity_apart
            entity = self._text(record[self._entity], self._entity)
        loaded = self._arms.loaded
        role, propensity = "pinned", None
        if version is None:
            arm, propensity = self._chosen(loaded, entity)
            role = arm.role
        else:
            arm = self._arms.named(version)
        flags: list[str] = []
        values = arm.checks.read(record, others, flags)
        return Row(
            loaded, arm, role, f"{self._token}{number:x}", event, entity, values, flags,
            propensity, fetched, began,
        )  # fmt: skip

    def answer(self, rows: Sequence[Row]) -> None:
        """Score and log ``rows``; each is on disk when this returns, or none is.

        Raises InputError when a model cannot take a row, DiskFullError when the log cannot be
        written and the project file says to refuse then.
        """
        first = rows[0].arm
        if len(rows) == 1 or all(row.arm is first for row in rows):
            score(first, rows)
        else:
            for arm in {id(row.arm): row.arm for row in rows}.values():
                score(arm, [row for row in rows if row.arm is arm])
        at = self._clock.now()
        ended = perf_counter()
        for row in rows:
            row.at = at
        lines = b"".join([self.line(row, (ended - row.began) * 1000) for row in rows])
        try:
            self._log.write_lines(lines)
        except DiskFullError:
            if not self._answer_unlogged:
                raise
            for row in rows:
                row.flags.append(UNLOGGED)

    def entity_logged(self, entity: str) -> str:
        """An entity as the log has it: hashed or empty where it is personal."""
        if not self._redaction:
            return entity
        record = {"inputs": {}, "event": "", "entity": entity}
        return str(self._redaction.record(record)["entity"])

    def line(self, row: Row, latency_ms: float) -> bytes:
        """A row's line of the prediction log."""
        arm = row.arm
        record = {
            "id": row.id,
            "event": row.event,
            "at": row.at,
            "model": self._model,
            "version": arm.arm.version,
            "digest": arm.scorer.digest,
            "arm": row.role,
            "entity": row.entity,
            "prediction": row.prediction,
            "latency_ms": latency_ms,
            "flags": row.flags,
            "inputs": dict(zip(arm.checks.names, row.values, strict=True)),
            "propensity": row.propensity,
            "fetched": row.fetched,
        }
        if self._redact is not None:
            self._redact(record)
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)

    def _chosen(self, loaded: Loaded, entity: str) -> tuple[LoadedArm, float]:
        if loaded.choice is None:
            raise not_ready(self._model)
        draw = self._random.random
        chosen = loaded.choice.choose(entity, draw(), draw(), draw())
        return loaded.arms[chosen.arm.version], chosen.propensity

    def _text(self, value: Any, name: str) -> str:
        if type(value) is str:
            return value
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(
                f"{str(value)[:60]!r} is neither a text nor a number",
                subject=name,
                next_step="send a text",
            )
        return str(value)


def score(arm: LoadedArm, rows: Sequence[Row]) -> None:
    """Set the prediction of ``rows``, all of one arm. InputError when it has none."""
    scorer = arm.scorer
    encode = scorer.encode_row
    if encode is not None:
        matrix = np.array([encode(row.values) for row in rows], dtype=np.float64)
        answers = scorer.score_matrix(matrix).tolist()
    else:
        answers = scorer.score(_frame(arm, rows)).tolist()
    for row, answer in zip(rows, answers, strict=True):
        if not -1e308 < answer < 1e308:
            raise InputError(
                f"the model answers {answer} to this row",
                subject=f"version {arm.version}",
                next_step="look for extreme values in it",
            )
        row.prediction = answer


def _frame(arm: LoadedArm, rows: Sequence[Row]) -> Any:
    import polars as pl

    kinds = {
        feature.name: pl.Float64 if feature.kind == "number" else pl.String
        for feature in arm.checks.schema.features
    }
    return pl.DataFrame([row.values for row in rows], schema=kinds, orient="row")
