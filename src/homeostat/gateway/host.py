"""The versions in memory, and every prediction: routed, scored, logged, then answered."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeostat.domain.codec import canonical, digest, from_builtins
from homeostat.domain.rollout import Arm, Routing
from homeostat.errors import HomeostatError, InputError, ModelLoadError, NotReadyError
from homeostat.gateway.router import bucket, by_bucket
from homeostat.monitoring.prediction_log import COLUMNS, PredictionLog
from homeostat.pipeline.scorer import Scorer, load_scorer
from homeostat.ports.blobs import Blobs
from homeostat.ports.clock import Clock
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl

ROUTING_FILE = "routing.json"


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A routing with everything that it needs in memory; swapped whole."""

    routing: Routing
    scorers: dict[int, Scorer]
    places: tuple[Arm, ...]


class Host:
    """Serves one model. Safe to use from several threads: a routing is swapped as one value.

    ``folder`` keeps the last good routing, so that a gateway that starts without its
    controller serves what it served before.
    """

    def __init__(
        self, project: Project, blobs: Blobs, log: PredictionLog, clock: Clock, folder: Path
    ) -> None:
        self._project = project
        self._blobs = blobs
        self._log = log
        self._clock = clock
        self._path = folder / ROUTING_FILE
        self._swap = threading.Lock()
        self._loaded: _Loaded | None = None

    # -- routing ------------------------------------------------------------------------

    def route(self, routing: Routing) -> None:
        """Load what is missing, test it, then swap. ModelLoadError leaves the old routing."""
        with self._swap:
            before = self._loaded.scorers if self._loaded else {}
            scorers = {}
            for arm in routing.arms:
                known = before.get(arm.version)
                fits = known is not None and known.digest == arm.digest
                scorers[arm.version] = known if known is not None and fits else self._load(arm)
            places = tuple(by_bucket(routing)) if routing.answering else ()
            self._remember(routing)
            self._loaded = _Loaded(routing, scorers, places)

    def observe(self) -> Routing:
        """What is routed now, each arm with the digest of the bytes that are in memory."""
        loaded = self._loaded
        if loaded is None:
            return Routing()
        return Routing(
            tuple(
                Arm(a.version, loaded.scorers[a.version].digest, a.package, a.share, a.shadow)
                for a in loaded.routing.arms
            )
        )

    def restore(self) -> bool:
        """Serve the last good routing from disk; False when there is none.

        Raises ModelLoadError when its versions can no longer be loaded.
        """
        if not self._path.is_file():
            return False
        self.route(from_builtins(json.loads(self._path.read_bytes()), Routing))
        return True

    def _load(self, arm: Arm) -> Scorer:
        try:
            package = self._blobs.get_tree(arm.package)
            scorer = load_scorer(package, trusted_digest=arm.digest)
            scorer.self_test()
        except ModelLoadError:
            raise
        except HomeostatError as error:
            raise ModelLoadError(
                f"version {arm.version} cannot be loaded: {error}",
                subject=f"version {arm.version}",
                next_step=error.next_step,
            ) from error
        return scorer

    def _remember(self, routing: Routing) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        unfinished.write_bytes(canonical(routing))
        unfinished.replace(self._path)

    # -- answering ----------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether a version answers."""
        return self._loaded is not None and bool(self._loaded.places)

    def schema(self) -> Any:
        """The input schema of the champion; NotReadyError before there is one."""
        loaded = self._now()
        return loaded.scorers[loaded.places[-1].version].schema

    def predict(
        self, rows: pl.DataFrame, at: str | None = None, *, batch: bool = True
    ) -> pl.DataFrame:
        """Answer ``rows``: event id, entity if declared, and features, by their declared names.

        ``at`` names a column with the time of each request; None: now, for all. A ``batch`` is
        logged as a file of its own, a request's few rows as lines. Answers, in the
        order of the rows: ``id``, ``event``, ``version``, ``prediction``. Each is in the log
        before this returns. Rows that one answering arm serves are also scored in shadow by
        the others, so that two versions can always be compared on the same rows.

        Raises NotReadyError, InputError naming the field, DiskFullError when the log is full.
        """
        import polars as pl

        frames = self._scored(rows, at)
        logged = pl.concat(frames).select(COLUMNS)
        if batch:
            self._log.append(logged)
        else:
            self._log.write_all(logged.to_dicts())
        answers = pl.concat([f for f in frames if f["arm"][0] != "shadow"])
        order = answers.select("id", "event", "version", "prediction", "__row")
        return order.sort("__row").drop("__row")

    def _now(self) -> _Loaded:
        loaded = self._loaded
        if loaded is None or not loaded.places:
            raise NotReadyError(
                "no version serves yet",
                subject=self._project.model,
                next_step="wait for the first promotion: `homeostat status` tells how far it is",
            )
        return loaded

    def _scored(self, rows: pl.DataFrame, at: str | None) -> list[pl.DataFrame]:
        """Log rows of each arm: first the answers, then the shadows."""
        import numpy as np

        loaded = self._now()
        base = self._base(rows, at)
        places = np.array([bucket(entity) for entity in base["entity"].to_list()])
        owners = np.array([arm.version for arm in loaded.places])[places]
        champion = loaded.routing.answering[0].version
        answered, shadows = [], []
        for arm in loaded.routing.arms:
            mine = owners == arm.version
            frame = self._arm_rows(loaded.scorers[arm.version], arm, base, rows)
            role = "champion" if arm.version == champion else "canary"
            if mine.any():
                answered.append(_as(frame, mine, role))
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
        self, scorer: Scorer, arm: Arm, base: pl.DataFrame, rows: pl.DataFrame
    ) -> pl.DataFrame:
        import polars as pl

        began = self._clock.now()
        predicted = scorer.score(rows)
        latency_ms = (self._clock.now() - began).total_seconds() * 1000
        fits = scorer.schema.conform(rows)
        ids = [
            prediction_id(event, at, arm.version)
            for event, at in zip(base["event"].to_list(), base["at"].to_list(), strict=True)
        ]
        return base.with_columns(
            pl.Series("id", ids, dtype=pl.String),
            pl.lit(self._project.model).alias("model"),
            pl.lit(arm.version, dtype=pl.Int64).alias("version"),
            pl.lit(scorer.digest).alias("digest"),
            pl.Series("prediction", predicted, dtype=pl.Float64),
            pl.lit(latency_ms, dtype=pl.Float64).alias("latency_ms"),
            pl.Series("flags", flags_of(scorer.schema, fits), dtype=pl.List(pl.String)),
            fits.to_struct("inputs"),
        )


def prediction_id(event: str, at: datetime, version: int) -> str:
    """Id of one prediction: the same request asked again has the same id."""
    return digest(f"{event}\n{at.isoformat()}\n{version}".encode())[:24]


def flags_of(schema: Any, rows: pl.DataFrame) -> list[list[str]]:
    """Per row, ``unknown:<feature>`` for each category that was not seen in training."""
    import polars as pl

    flags: list[list[str]] = [[] for _ in range(rows.height)]
    for feature in schema.features:
        if not feature.categories or feature.name not in rows.columns:
            continue
        unknown = rows[feature.name].is_not_null() & ~rows[feature.name].is_in(
            pl.Series(list(feature.categories), dtype=pl.String).implode()
        )
        for place in unknown.arg_true().to_list():
            flags[place].append(f"unknown:{feature.name}")
    return flags


def _as(frame: pl.DataFrame, mask: Any, role: str) -> pl.DataFrame:
    import polars as pl

    return frame.filter(pl.Series(mask)).with_columns(pl.lit(role).alias("arm"))
