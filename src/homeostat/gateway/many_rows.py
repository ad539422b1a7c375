"""A large request: the same path as one row, in whole columns."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from homeostat.errors import DiskFullError, InputError
from homeostat.gateway.arms import Arms, Loaded, LoadedArm, not_ready
from homeostat.gateway.asked import Answers, Asked
from homeostat.gateway.frames import scored
from homeostat.gateway.rows import UNLOGGED, Row
from homeostat.gateway.shadows import MAX_WAITING
from homeostat.monitoring.prediction_log import COLUMNS, PredictionLog
from homeostat.monitoring.redaction import Redaction
from homeostat.ports.clock import Clock
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl


class ManyRows:
    """Answers a request of many rows. Safe to use from several threads."""

    def __init__(
        self,
        project: Project,
        arms: Arms,
        log: PredictionLog,
        clock: Clock,
        redaction: Redaction | None = None,
    ) -> None:
        self._redaction = redaction
        self._project = project
        self._arms = arms
        self._log = log
        self._clock = clock
        self._random = random.Random(secrets.token_hex(8))  # noqa: S311  # traffic, no secret

    def answer(
        self,
        asked: Asked,
        fetched: Sequence[str | None] = (),
        beside: Callable[[list[Row]], None] = lambda _: None,
    ) -> Answers:
        """All rows, in order. Raises what :class:`homeostat.gateway.asked.Answering` says.

        ``fetched`` is what the online store gave to each row, as JSON. ``beside`` is given the
        rows when other arms shall score them too.
        """
        import polars as pl

        loaded = self._arms.loaded
        base = self._base(asked, fetched)
        pinned = self._arms.named(asked.version) if asked.version is not None else None
        if pinned is None and loaded.choice is None:
            raise not_ready(self._project.model)
        if pinned is not None:
            base = base.with_columns(
                pl.lit(pinned.version).alias("owner"),
                pl.lit(None, dtype=pl.Float64).alias("propensity"),
            )
        else:
            base = base.with_columns(self._owners(loaded, base["entity"].to_list()))
        parts = [
            self._part(loaded.arms[version], asked, base.filter(pl.col("owner") == version), pinned)
            for version in base["owner"].unique().to_list()
        ]
        whole = pl.concat([p.drop("inputs") for p in parts]).sort("place")
        logged = self._write(parts)
        if len(loaded.beside) > 1:
            for part in parts:
                beside(_rows(loaded, part))
        return _answers(whole, logged)

    def _owners(self, loaded: Loaded, entities: Sequence[str]) -> list[pl.Series]:
        import polars as pl

        assert loaded.choice is not None
        answering = loaded.routing.answering
        if len(answering) == 1:
            owners, odds = [answering[0].version] * len(entities), [1.0] * len(entities)
        else:
            draw, choose = self._random.random, loaded.choice.choose
            chosen = [choose(entity, draw(), draw(), draw()) for entity in entities]
            owners = [one.arm.version for one in chosen]
            odds = [one.propensity for one in chosen]
        return [
            pl.Series("owner", owners, dtype=pl.Int64),
            pl.Series("propensity", odds, dtype=pl.Float64),
        ]

    def _base(self, asked: Asked, fetched: Sequence[str | None]) -> pl.DataFrame:
        """Id, event, entity and place of each row."""
        import polars as pl

        token, events = secrets.token_hex(8), self._project.events
        ids = [f"{token}{place:x}" for place in range(asked.count)]
        event = _texts(asked, events.id)
        named = [one or ids[place] for place, one in enumerate(event)] if event else ids
        entity = _texts(asked, events.entity) if events.entity else None
        return pl.DataFrame({
            "id": ids,
            "event": named,
            "entity": entity or named,
            "place": np.arange(asked.count),
        }).with_columns(
            pl.Series("fetched", fetched or [None] * asked.count, dtype=pl.String),
        )  # fmt: skip

    def _part(
        self, arm: LoadedArm, asked: Asked, base: pl.DataFrame, pinned: LoadedArm | None
    ) -> pl.DataFrame:
        import polars as pl

        rows = _frame(asked, arm, self._project)
        if base.height < asked.count:
            rows = rows[base["place"]]
        named = base.with_columns(
            pl.lit(self._clock.now()).cast(pl.Datetime("us", "UTC")).alias("at"),
            pl.lit("pinned" if pinned is not None else arm.role).alias("arm"),
        )
        return scored(self._project.model, arm, named, rows, self._project.serving)

    def _write(self, parts: Sequence[pl.DataFrame]) -> bool:
        """Whether the rows are in the log; all of them, or none."""
        import polars as pl

        whole = pl.concat(part.select(COLUMNS) for part in parts)
        if self._redaction:
            whole = self._redaction.frame(whole)
        try:
            self._log.append(whole)
        except DiskFullError:
            if self._project.serving.log.when_full == "refuse":
                raise
            return False
        return True


def _rows(loaded: Loaded, part: pl.DataFrame) -> list[Row]:
    """The rows of one arm for the arms beside it, as many as may wait at once."""
    some = part.head(MAX_WAITING)
    arm = loaded.arms[int(some["version"][0])]
    fields = some.select("id", "event", "entity", "at").rows()
    return [
        Row(
            loaded, arm, arm.role, identity, event, entity, list(values.values()), [], None, None,
            0.0, at,
        )
        for (identity, event, entity, at), values in zip(
            fields, some["inputs"].to_list(), strict=True
        )
    ]  # fmt: skip


def _answers(whole: pl.DataFrame, logged: bool) -> Answers:
    flagged = bool((whole["flags"].list.len() > 0).any())
    flags: Sequence[Sequence[str]] = whole["flags"].to_list() if flagged else ()
    if not logged:
        flags = [[*one, UNLOGGED] for one in flags or [()] * whole.height]
    return Answers(
        ids=whole["id"].to_list(),
        events=whole["event"].to_list(),
        versions=whole["version"].to_list(),
        predictions=whole["prediction"].to_list(),
        flags=flags,
    )


def _frame(asked: Asked, arm: LoadedArm, project: Project) -> pl.DataFrame:
    """The features of ``asked`` as columns; what is no feature of any version is an error."""
    import polars as pl

    known = {*arm.checks.names, *project.features.names, project.events.id, project.events.entity}
    for name in asked.columns:
        if name not in known:
            raise InputError(
                f"there is no feature '{name}'",
                subject=name,
                next_step=f"the features are {', '.join(arm.checks.names)}",
            )
    missing = [name for name in arm.checks.names if name not in asked.columns]
    if missing:
        raise InputError(
            f"'{missing[0]}' is missing",
            subject=missing[0],
            next_step="send it, with null where it is not known",
        )
    return pl.DataFrame([_series(name, asked.columns[name]) for name in arm.checks.names])


def _series(name: str, values: Any) -> pl.Series:
    import polars as pl

    try:
        return pl.Series(name, values, nan_to_null=True, strict=True)
    except (TypeError, OverflowError):  # numbers and texts, or whole and broken numbers, mixed
        pass
    if any(isinstance(value, (list, dict)) for value in values):
        raise InputError(
            f"'{name}' is not a single value",
            subject=name,
            next_step="send a number, a text, true, false or null",
        )
    if all(value is None or isinstance(value, int | float) for value in values):
        return pl.Series(name, [None if v is None else float(v) for v in values], dtype=pl.Float64)
    texts = [None if value is None else str(value) for value in values]
    return pl.Series(name, texts, dtype=pl.String)


def _texts(asked: Asked, name: str) -> list[str] | None:
    """A column as texts; None when it was not sent."""
    values = asked.columns.get(name)
    if values is None:
        return None
    return ["" if value is None else str(value) for value in values]
