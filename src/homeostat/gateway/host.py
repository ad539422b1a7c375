"""Predictions of recorded traffic: routed, scored by every arm, logged, then answered.

This is how the back-test serves. A live gateway answers through :mod:`homeostat.gateway.model`.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeostat.domain.codec import digest
from homeostat.domain.rollout import Routing
from homeostat.errors import InputError
from homeostat.gateway.arms import Arms, Loaded
from homeostat.gateway.frames import scored
from homeostat.gateway.router import bucket, by_bucket
from homeostat.monitoring.prediction_log import COLUMNS, PredictionLog
from homeostat.ports.blobs import Blobs
from homeostat.ports.clock import Clock
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl


class Host:
    """Serves one model to recorded traffic. Safe to use from several threads."""

    def __init__(
        self, project: Project, blobs: Blobs, log: PredictionLog, clock: Clock, folder: Path
    ) -> None:
        self._project = project
        self._log = log
        self._clock = clock
        self._arms = Arms(project.model, blobs, folder, project.serving)

    # -- routing ------------------------------------------------------------------------

    def route(self, routing: Routing) -> None:
        """Load what is missing, test it, then swap. ModelLoadError leaves the old routing."""
        self._arms.route(routing)

    def observe(self) -> Routing:
        """What is routed now, each arm with the digest of the bytes that are in memory."""
        return self._arms.observe()

    def restore(self) -> bool:
        """Serve the last good routing from disk; False when there is none. ModelLoadError."""
        return self._arms.restore()

    # -- answering ----------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether a version answers."""
        return self._arms.ready

    def schema(self) -> Any:
        """The input schema of the champion; NotReadyError before there is one."""
        return self._arms.champion().scorer.schema

    def predict(self, rows: pl.DataFrame, at: str | None = None) -> pl.DataFrame:
        """Answer ``rows``: event id, entity if declared, and features, by their declared names.

        ``at`` names a column with the time of each request; None: now, for all. Answers, in the
        order of the rows: ``id``, ``event``, ``version``, ``prediction``. Each is in the log
        before this returns. Rows that one answering arm serves are also scored in shadow by
        the others, so that two versions can always be compared on the same rows.

        Raises NotReadyError, InputError naming the field, DiskFullError when the log is full.
        """
        import polars as pl

        frames = self._scored(rows, at)
        self._log.append(pl.concat(frames).select(COLUMNS))
        answers = pl.concat([f for f in frames if f["arm"][0] != "shadow"])
        order = answers.select("id", "event", "version", "prediction", "__row")
        return order.sort("__row").drop("__row")

    def _scored(self, rows: pl.DataFrame, at: str | None) -> list[pl.DataFrame]:
        """Log rows of each arm: first the answers, then the shadows."""
        import numpy as np
        import polars as pl

        self._arms.champion()
        loaded = self._arms.loaded
        base = self._base(rows, at)
        places = np.array([bucket(entity) for entity in base["entity"].to_list()], dtype=int)
        owners = np.array([arm.version for arm in by_bucket(loaded.routing)])[places]
        answered, shadows = [], []
        for arm in loaded.beside:
            frame = self._arm_rows(loaded, arm.version, base, rows)
            mine = owners == arm.version
            if mine.any():
                certain = pl.lit(1.0).alias("propensity")
                answered.append(_as(frame, mine, arm.role).with_columns(certain))
            if not mine.all():
                shadows.append(_as(frame, ~mine, "shadow"))
        return answered + shadows

    def _base(self, rows: pl.DataFrame, at: str | None) -> pl.DataFrame:
        import polars as pl

        events = self._project.events
        for column in (events.id, events.entity, at):
            if column is not None and column not in rows.columns:
                raise InputError(
                    f"'{column}' is missing",
                    subject=column,
                    next_step="send it with each row",
                )
        time = pl.col(at).cast(pl.Datetime("us", "UTC")) if at else pl.lit(self._clock.now())
        return rows.select(
            pl.col(events.id).cast(pl.String).alias("event"),
            time.cast(pl.Datetime("us", "UTC")).alias("at"),
            pl.col(events.entity or events.id).cast(pl.String).fill_null("").alias("entity"),
            pl.int_range(pl.len(), dtype=pl.Int64).alias("__row"),
        )

    def _arm_rows(
        self, loaded: Loaded, version: int, base: pl.DataFrame, rows: pl.DataFrame
    ) -> pl.DataFrame:
        import polars as pl

        ids = [
            prediction_id(event, at, version)
            for event, at in zip(base["event"].to_list(), base["at"].to_list(), strict=True)
        ]
        named = base.with_columns(
            pl.Series("id", ids, dtype=pl.String),
            pl.lit(None, dtype=pl.Float64).alias("propensity"),
            pl.lit(None, dtype=pl.String).alias("fetched"),
        )
        project = self._project
        return scored(project.model, loaded.arms[version], named, rows, project.serving)


def prediction_id(event: str, at: datetime, version: int) -> str:
    """Id of one prediction: the same request asked again has the same id."""
    return digest(f"{event}\n{at.isoformat()}\n{version}".encode())[:24]


def _as(frame: pl.DataFrame, mask: Any, role: str) -> pl.DataFrame:
    import polars as pl

    return frame.filter(pl.Series(mask)).with_columns(pl.lit(role).alias("arm"))
