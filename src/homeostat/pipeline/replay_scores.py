"""Logged predictions computed again: by the version that answered, or by any other.

Functions of their arguments alone: a scorer changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeostat.errors import InputError
from homeostat.pipeline import onnx
from homeostat.pipeline.golden import RELATIVE
from homeostat.pipeline.scorer import Scorer

if TYPE_CHECKING:
    import polars as pl

DECISION = 0.5
"""A binary prediction at or above it decides for the positive class."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """``again`` is None when the prediction could not be computed; ``reason`` says why.

    ``difference`` is ``again - logged``. ``equal``: as close as the self-test of a version asks
    for; the compiled model computes with 32-bit numbers.
    """

    logged: float
    again: float | None
    difference: float | None
    equal: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """What one version answered in a window, beside what another one answers to the same rows.

    ``mean_difference`` and ``largest_difference`` are of again - logged. ``correlation`` is
    Pearson's, None where one side is constant. ``changed``: share of rows whose decision at 0.5
    differs, None for a regression. Over ``rows`` rows; None throughout when there are none.
    """

    version: int
    rows: int
    mean_logged: float | None
    mean_again: float | None
    mean_difference: float | None
    largest_difference: float | None
    correlation: float | None
    changed: float | None


def replay_one(row: Mapping[str, Any], scorer: Scorer, redacted: Collection[str] = ()) -> Replayed:
    """Compute a logged prediction again from its logged ``inputs``.

    ``redacted`` names inputs whose value was not kept: when the model takes one of them, there
    is no answer.
    """
    import polars as pl

    logged = float(row["prediction"])
    lost = [name for name in scorer.schema.names if name in redacted]
    if lost:
        return Replayed(logged, None, None, False, f"redacted in the log: {', '.join(lost)}")
    try:
        again = float(scorer.score(pl.DataFrame([dict(row["inputs"])], infer_schema_length=1))[0])
    except InputError as error:
        return Replayed(logged, None, None, False, f"{error.subject}: {error.problem}")
    difference = again - logged
    limit = tolerance(scorer) * max(abs(logged), 1.0 if scorer.schema.task == "binary" else 1e-9)
    equal = abs(difference) <= limit
    return Replayed(logged, again, difference, equal, "" if equal else "the answers differ")


def tolerance(scorer: Scorer) -> float:
    """How far two answers of one version may lie apart, relative to the answer."""
    return RELATIVE if scorer.engine == "native" else onnx.TOLERANCE


def replay_window(frame: pl.DataFrame, scorer: Scorer) -> pl.DataFrame:
    """Rows of the log with the answer of ``scorer`` beside the logged one.

    Columns ``id``, ``event``, ``at``, ``version``, ``logged``, ``again``, ``difference``, in
    the order of the rows. Raises InputError when the inputs do not fit, naming the field.
    """
    import polars as pl

    named = frame.select("id", "event", "at", "version", pl.col("prediction").alias("logged"))
    again = pl.Series("again", [], dtype=pl.Float64)
    if frame.height:
        again = pl.Series("again", scorer.score(frame["inputs"].struct.unnest()))
    return named.with_columns(again).with_columns(
        (pl.col("again") - pl.col("logged")).alias("difference")
    )


def compared(replayed: pl.DataFrame, *, binary: bool) -> Sequence[Compared]:
    """Summaries of what :func:`replay_window` gave, by the version that had answered."""
    import polars as pl

    logged, again = pl.col("logged"), pl.col("again")
    changed = ((logged >= DECISION) != (again >= DECISION)).mean()
    found = (
        replayed.group_by("version")
        .agg(
            pl.len().alias("rows"),
            logged.mean().alias("mean_logged"),
            again.mean().alias("mean_again"),
            pl.col("difference").mean().alias("mean_difference"),
            pl.col("difference").abs().max().alias("largest_difference"),
            pl.corr("logged", "again").fill_nan(None).alias("correlation"),
            (changed if binary else pl.lit(None, dtype=pl.Float64)).alias("changed"),
        )
        .sort("version")
    )
    return [Compared(**row) for row in found.iter_rows(named=True)]
