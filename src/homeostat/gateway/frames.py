"""Many rows at once: checked, scored and laid out for the log as one frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from homeostat.errors import InputError
from homeostat.gateway.arms import LoadedArm
from homeostat.pipeline.schema import Feature, Schema
from homeostat.spec.serving import Serving

if TYPE_CHECKING:
    import polars as pl


def scored(
    model: str, arm: LoadedArm, base: pl.DataFrame, rows: pl.DataFrame, serving: Serving
) -> pl.DataFrame:
    """The log's rows for ``rows`` as ``arm`` answers them.

    ``base`` has one row per row of ``rows``: ``id``, ``event``, ``at``, ``entity``, and what else
    shall be kept. Raises InputError naming the field.
    """
    import numpy as np
    import polars as pl

    began = perf_counter()
    fits = arm.scorer.schema.conform(rows)
    flags = flags_of(arm.scorer.schema, fits, serving)
    predicted = arm.scorer.score(fits)
    if not np.isfinite(predicted).all():
        place = int(np.flatnonzero(~np.isfinite(predicted))[0])
        raise InputError(
            f"the model answers {predicted[place]} to this row",
            subject=f"rows[{place}]",
            next_step="look for extreme values in it",
        )
    latency_ms = (perf_counter() - began) * 1000
    return base.with_columns(
        pl.lit(model).alias("model"),
        pl.lit(arm.version, dtype=pl.Int64).alias("version"),
        pl.lit(arm.scorer.digest).alias("digest"),
        pl.Series("prediction", predicted, dtype=pl.Float64),
        pl.lit(latency_ms, dtype=pl.Float64).alias("latency_ms"),
        flags.alias("flags"),
        fits.to_struct("inputs"),
    )


def flags_of(schema: Schema, rows: pl.DataFrame, serving: Serving) -> pl.Series:
    """Per row, what the declared policies flag; InputError where they reject.

    ``unknown:<feature>`` for a category that was not seen in training, ``range:<feature>``
    for a number outside of the range seen then, ``missing:<feature>`` for a null.
    """
    marked: dict[int, list[str]] = {}
    for feature in schema.features:
        column = rows[feature.name]
        for flag, policy, mask in (
            ("missing", serving.missing, column.is_null() if column.null_count() else None),
            ("unknown", serving.unknown_category, _unknown(feature, column)),
            ("range", serving.out_of_range, _outside(feature, column)),
        ):
            if mask is None or policy in ("impute", "ignore") or not mask.any():
                continue
            places = mask.arg_true().to_list()
            if policy == "reject":
                raise _rejected(feature, flag, places[0], column)
            for place in places:
                marked.setdefault(place, []).append(f"{flag}:{feature.name}")
    return lists_of(marked, rows.height)


def lists_of(marked: Mapping[int, Sequence[str]], height: int) -> pl.Series:
    """A column of lists from the few rows that have any."""
    import numpy as np
    import polars as pl
    import pyarrow as pa

    counts = np.zeros(height + 1, dtype=np.int64)
    places = sorted(marked)
    counts[[place + 1 for place in places]] = [len(marked[place]) for place in places]
    texts = pa.array([flag for place in places for flag in marked[place]], pa.large_string())
    lists = pa.LargeListArray.from_arrays(np.cumsum(counts), texts)
    return pl.Series(lists, dtype=pl.List(pl.String))


def _unknown(feature: Feature, column: pl.Series) -> pl.Series | None:
    import polars as pl

    if not feature.categories:
        return None
    known = pl.Series(list(feature.categories), dtype=pl.String)
    return column.is_not_null() & ~column.is_in(known.implode())


def _outside(feature: Feature, column: pl.Series) -> pl.Series | None:
    if feature.kind != "number":
        return None
    infinite = column.is_infinite()
    if infinite.any():
        raise InputError(
            "it must be finite",
            subject=f"rows[{infinite.arg_max()}].{feature.name}",
            next_step="convert the field before sending it",
        )
    if feature.low is None or feature.high is None:
        return None
    return ((column < feature.low) | (column > feature.high)).fill_null(value=False)


def _rejected(feature: Feature, flag: str, place: int, column: pl.Series) -> InputError:
    problem = {
        "missing": "it is null",
        "unknown": f"the category {str(column[place])[:60]!r} was not seen in training",
        "range": f"{column[place]} is outside of the range {feature.low} to {feature.high} "
        "seen in training",
    }[flag]
    return InputError(
        problem,
        subject=f"rows[{place}].{feature.name}",
        next_step="correct the value; `serving` in the project file says what is refused",
    )
