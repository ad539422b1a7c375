"""Columns of a frame as profiles take them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from homeostat.stats.profile import Bins, Kind

if TYPE_CHECKING:
    import polars as pl


def columns_of(frame: pl.DataFrame, names: Iterable[str]) -> dict[str, tuple[Kind, Any]]:
    """Columns as profiles take them: numbers as float64, null as NaN, all else as text."""
    import polars as pl

    found: dict[str, tuple[Kind, Any]] = {}
    for name in names:
        values = frame[name]
        if values.dtype.is_numeric():
            found[name] = ("number", values.cast(pl.Float64).to_numpy())
        else:
            found[name] = ("category", np.array(values.cast(pl.String).to_list(), dtype=object))
    return found


def columns_for(frame: pl.DataFrame, bins: Iterable[Bins]) -> dict[str, tuple[Kind, Any]]:
    """The columns that ``bins`` count, in the kinds they expect.

    A column that is missing is all null, and so is a value that is no number where numbers are
    counted: logs and references may be of different times.
    """
    import polars as pl

    found: dict[str, tuple[Kind, Any]] = {}
    there = frame.schema
    for one in bins:
        dtype = there.get(one.name)
        if dtype is None or dtype.is_nested():
            values = pl.Series(one.name, [None] * frame.height, dtype=pl.Float64)
        else:
            values = frame.get_column(one.name)
        if one.kind == "number":
            numbers = values if dtype == pl.Float64 else values.cast(pl.Float64, strict=False)
            found[one.name] = ("number", numbers.to_numpy())
        else:
            texts = values.cast(pl.String, strict=False).to_list()
            found[one.name] = ("category", np.array(texts, dtype=object))
    return found
