"""One chunk: the rows that can be scored, scored; the others set aside, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from homeostat.gateway.frames import flags_of
from homeostat.pipeline.schema import Feature
from homeostat.pipeline.scorer import Scorer
from homeostat.spec.serving import Serving

THRESHOLD = 0.5
REJECTS = {"row": pl.Int64, "field": pl.String, "reason": pl.String}


@dataclass(frozen=True, slots=True)
class Scored:
    """``answers`` has a row per row that was scored, ``rejects`` one per row that was not."""

    answers: pl.DataFrame
    rejects: pl.DataFrame


def score_chunk(
    chunk: pl.DataFrame, first: int, scorer: Scorer, serving: Serving, version: int, kept: list[str]
) -> Scored:
    """Score ``chunk``, whose first row is row ``first`` of the table."""
    bad = _Bad(chunk.height)
    rows = pl.DataFrame(
        [_checked(chunk[one.name], one, serving, bad) for one in scorer.schema.features]
    )
    inside = bad.good()
    if inside is not None:
        rows, chunk = rows.filter(inside), chunk.filter(inside)
    predictions = scorer.score(rows)
    finite = np.isfinite(predictions)
    places = np.arange(bad.height) if inside is None else np.flatnonzero(inside.to_numpy())
    if not finite.all():
        bad.add(places[~finite], "", "the model has no answer to this row")
        keep = pl.Series(finite)
        rows, chunk, predictions = rows.filter(keep), chunk.filter(keep), predictions[finite]
    answers = chunk.select(kept).with_columns(pl.Series("prediction", predictions))
    if scorer.schema.task == "binary":
        answers = answers.with_columns(label=pl.col("prediction") >= THRESHOLD)
    answers = answers.with_columns(
        pl.lit(version, dtype=pl.Int64).alias("version"),
        flags_of(scorer.schema, rows, serving).alias("flags"),
    )
    return Scored(answers, bad.frame(first))


class _Bad:
    """Rows of a chunk that cannot be scored; the first reason of each counts."""

    def __init__(self, height: int) -> None:
        self.height = height
        self._reasons: dict[int, tuple[str, str]] = {}

    def add(self, places: np.ndarray, field: str, reason: str) -> None:
        for place in places.tolist():
            self._reasons.setdefault(place, (field, reason))

    def mask(self, mask: pl.Series, field: str, reason: str) -> None:
        if mask.any():
            self.add(mask.arg_true().to_numpy(), field, reason)

    def good(self) -> pl.Series | None:
        """Which rows are good; None when all are."""
        if not self._reasons:
            return None
        good = np.ones(self.height, dtype=bool)
        good[list(self._reasons)] = False
        return pl.Series(good)

    def frame(self, first: int) -> pl.DataFrame:
        rows = [(first + place, *why) for place, why in sorted(self._reasons.items())]
        return pl.DataFrame(rows, schema=REJECTS, orient="row")


def _checked(column: pl.Series, feature: Feature, serving: Serving, bad: _Bad) -> pl.Series:
    """A column as the model takes it; what it cannot take is null there, and noted."""
    number = feature.kind == "number"
    clean = _number(column, feature, bad) if number else _category(column, feature, bad)
    if clean.null_count() and (not feature.null_allowed or serving.missing == "reject"):
        bad.mask(clean.is_null(), feature.name, "it is null")
    if number and serving.out_of_range == "reject" and feature.low is not None:
        outside = (clean < feature.low) | (clean > feature.high)
        bad.mask(outside.fill_null(value=False), feature.name, "it is out of range")
    if not number and serving.unknown_category == "reject" and feature.categories:
        known = pl.Series(list(feature.categories), dtype=pl.String)
        strange = clean.is_not_null() & ~clean.is_in(known.implode())
        bad.mask(strange, feature.name, "the category was not seen in training")
    return clean


def _number(column: pl.Series, feature: Feature, bad: _Bad) -> pl.Series:
    kind = column.dtype
    if not (kind.is_numeric() or kind in (pl.Boolean, pl.String, pl.Null)):
        bad.mask(column.is_not_null(), feature.name, f"{kind} is no number")
        return pl.Series(feature.name, [None] * len(column), dtype=pl.Float64)
    clean = column if kind == pl.Float64 else column.cast(pl.Float64, strict=False)
    if kind == pl.String:
        bad.mask(column.is_not_null() & clean.is_null(), feature.name, "it is no number")
    infinite = clean.is_infinite().fill_null(value=False)
    bad.mask(infinite, feature.name, "it is infinite")
    return clean.fill_nan(None).alias(feature.name)


def _category(column: pl.Series, feature: Feature, bad: _Bad) -> pl.Series:
    kind = column.dtype
    if kind.is_integer() or kind in (
        pl.String, pl.Boolean, pl.Null, pl.Categorical, pl.Enum,
    ):  # fmt: skip
        return column.cast(pl.String).alias(feature.name)
    bad.mask(column.is_not_null(), feature.name, f"{kind} is no category")
    return pl.Series(feature.name, [None] * len(column), dtype=pl.String)
