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
    for one in bins:
        kind = pl.Float64 if one.kind == "number" else pl.String
        if one.name in frame.columns and not frame[one.name].dtype.is_nested():
            values = frame[one.name].cast(kind, strict=False)
        else:
            values = pl.Series(one.name, [None] * frame.height, dtype=kind)
        found |= columns_of(values.to_frame(), [one.name])
    return found
