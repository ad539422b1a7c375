"""The preprocessing of one row without a frame: what the gateway does thousands of times a second.

A frame of one row costs more than the model. This form takes the values of a row as a list and
gives the row of the matrix as a list; it is used only when it is proven to give the same numbers
as the frame's encoding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from homeostat.pipeline.encoder import Encode

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

EncodeRow = Callable[[Sequence[Any]], list[float]]
"""From the values of a row in model order (float, str or None) to a row of the matrix."""

_Cell = Callable[[Any], float]


def row_encoder_of(preprocess: Any, encode: Encode, probe: pl.DataFrame) -> EncodeRow | None:
    """The row form of a fitted ColumnTransformer; None when it has none or it is not equal.

    ``probe`` holds conforming rows. It is compared on these, on a row of nulls and on a row of
    unknown categories.
    """
    cells = _cells(preprocess, list(probe.columns))
    if cells is None:
        return None
    encode_row = _compiled(cells)
    return encode_row if _equal(encode_row, encode, probe) else None


def _compiled(cells: list[tuple[int, _Cell | None]]) -> EncodeRow:
    nan = math.nan
    if all(cell is None for _, cell in cells):
        if [place for place, _ in cells] == list(range(len(cells))):
            return lambda values: [nan if value is None else value for value in values]
        places = [place for place, _ in cells]
        return lambda values: [
            nan if (value := values[place]) is None else value for place in places
        ]
    every = [(place, cell or _plain) for place, cell in cells]
    return lambda values: [cell(values[place]) for place, cell in every]


def _plain(value: Any) -> float:
    return math.nan if value is None else value


def _cells(preprocess: Any, names: list[str]) -> list[tuple[int, _Cell | None]] | None:
    """For each column of the matrix: the place of its input, and what is done to it."""
    import numpy as np

    found: list[tuple[int, _Cell | None]] = []
    for name, transformer, columns in getattr(preprocess, "transformers_", ()):
        if name == "remainder" and (transformer == "drop" or not len(columns)):
            continue
        places = [
            int(c) if isinstance(c, int | np.integer) else names.index(str(c)) for c in columns
        ]
        part = _part(transformer)
        if part is None:
            return None
        found += [(place, part(number)) for number, place in enumerate(places)]
    return found or None


def _part(transformer: Any) -> Callable[[int], _Cell | None] | None:
    kind = type(transformer).__name__
    if transformer == "passthrough" or (kind == "FunctionTransformer" and not transformer.func):
        return lambda _: None
    if kind == "OrdinalEncoder" and transformer.handle_unknown == "use_encoded_value":
        return lambda number: _ordinal(transformer, number)
    if kind == "Pipeline" and [type(step).__name__ for _, step in transformer.steps] == [
        "SimpleImputer",
        "StandardScaler",
    ]:
        return lambda number: _filled_and_scaled(transformer[0], transformer[1], number)
    return None


def _ordinal(transformer: Any, number: int) -> _Cell:
    unknown = float(transformer.unknown_value)
    codes: dict[Any, float] = {
        value: float(code) for code, value in enumerate(transformer.categories_[number])
    }
    return lambda value: codes.get(value, unknown)


def _filled_and_scaled(imputer: Any, scaler: Any, number: int) -> _Cell:
    fill = float(imputer.statistics_[number])
    mean = float(scaler.mean_[number]) if scaler.with_mean else 0.0
    scale = float(scaler.scale_[number]) if scaler.with_std else 1.0
    return lambda value: ((fill if value is None else value) - mean) / scale


def _equal(encode_row: EncodeRow, encode: Encode, probe: pl.DataFrame) -> bool:
    import numpy as np
    import polars as pl

    strange = probe.head(1).with_columns(pl.col(pl.String).replace(None, "").add("\0unknown"))
    nulls = probe.clear().select(pl.all().extend_constant(None, 1))
    for rows in (probe, strange, nulls):
        try:
            expected = encode(rows)
        except (ValueError, TypeError):  # it refuses nulls; the schema then refuses them too
            continue
        found: np.ndarray = np.array([encode_row(row) for row in rows.rows()], dtype=np.float64)
        if not np.array_equal(found, expected, equal_nan=True):
            return False
    return True
