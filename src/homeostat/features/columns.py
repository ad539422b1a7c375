"""Columns as what they are used for: instants, numbers, categories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from homeostat.errors import ColumnError

INSTANT = pl.Datetime("us", "UTC")
"""The type of every time in a frame."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def microseconds(value: datetime | timedelta) -> int:
    """An aware instant as microseconds since 1970 UTC, or a duration in microseconds; exact.

    >>> microseconds(timedelta(milliseconds=2))
    2000
    """
    span = value - EPOCH if isinstance(value, datetime) else value
    return span // MICROSECOND


def column_of(frame: pl.DataFrame, name: str, where: str) -> pl.Series:
    """Column ``name`` of ``frame``; ColumnError, naming what there is, when it is missing."""
    if name not in frame.columns:
        raise ColumnError(
            f"there is no column '{name}'; there are {', '.join(frame.columns) or 'none'}",
            subject=where,
            next_step="correct the name in homeostat.yaml, or deliver the column",
        )
    return frame[name]


def as_instants(frame: pl.DataFrame, name: str, where: str) -> pl.Series:
    """Column ``name`` as ``Datetime("us", "UTC")``: dates begin at midnight, naive times are UTC.

    Raises ColumnError when the column is missing or holds no times.
    """
    column = column_of(frame, name, where)
    kind = column.dtype
    if kind == INSTANT:
        return column
    if isinstance(kind, pl.Datetime):
        if kind.time_zone is None:
            column = column.dt.replace_time_zone("UTC")
        return column.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    if kind in (pl.Date, pl.Null):
        return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    raise ColumnError(
        f"column '{name}' holds {kind}, not times",
        subject=where,
        next_step="deliver it as timestamps, or parse it in the source's function",
    )


def as_numbers(column: pl.Series, where: str) -> pl.Series:
    """A number feature: Float64; true is 1; NaN and infinities are null.

    Raises ColumnError for text and times: what they mean as a number is for ``derive`` to say.
    """
    kind = column.dtype
    if not (kind.is_numeric() or kind in (pl.Boolean, pl.Null)):
        raise ColumnError(
            f"column '{column.name}' holds {kind}, not numbers",
            subject=where,
            next_step="list the feature under 'categorical', or make a number of it in 'derive'",
        )
    numbers = column.cast(pl.Float64)
    finite = numbers.is_finite()
    return numbers if finite.all() else numbers.set(~finite, None)


def as_categories(column: pl.Series, where: str) -> pl.Series:
    """A category feature: String. Raises ColumnError for lists and other nested values."""
    try:
        return column.cast(pl.String)
    except pl.exceptions.PolarsError as error:
        raise ColumnError(
            f"column '{column.name}' holds {column.dtype}, which cannot be categories",
            subject=where,
            next_step="make text of it in 'derive'",
        ) from error
