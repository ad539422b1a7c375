"""Columns of a frame as profiles take them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from homeostat.stats.profile import Kind

if TYPE_CHECKING:
    import polars as pl


def columns_of(frame: pl.DataFrame, names: Iterable[str]) -> dict[str, tuple[Kind, Any]]:
    """Columns as profiles take them: numbers as float64 with NaN, all else as text."""
    import polars as pl

    found: dict[str, tuple[Kind, Any]] = {}
    for name in names:
        values = frame[name]
        if values.dtype.is_numeric():
            found[name] = ("number", values.cast(pl.Float64).fill_null(float("nan")).to_numpy())
        else:
            found[name] = ("category", np.array(values.cast(pl.String).to_list(), dtype=object))
    return found
