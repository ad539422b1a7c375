"""Declared parts of the rows: for which is an SQL condition true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import ColumnError

if TYPE_CHECKING:
    import polars as pl


def segment_rows(rows: pl.DataFrame, name: str, text: str) -> NDArray[np.bool_]:
    """The rows for which the SQL condition ``text`` is true; ColumnError when it is no condition.

    SQL is that of Polars: https://docs.pola.rs/api/python/stable/reference/sql/
    """
    import polars as pl

    try:
        held = rows.select(pl.sql_expr(text).alias("held"))["held"]
        if held.dtype != pl.Boolean or held.len() != rows.height:
            raise TypeError(f"it gives {held.dtype}, not true or false for each row")
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        lines = str(error).splitlines()
        raise ColumnError(
            f"segment '{name}' ({text}) cannot be evaluated: {lines[0] if lines else error}",
            subject=f"homeostat.yaml: metrics.segments.{name}",
            next_step="write an SQL condition over features, such as hour >= 22 OR hour < 6",
        ) from error
    return held.fill_null(value=False).to_numpy()
