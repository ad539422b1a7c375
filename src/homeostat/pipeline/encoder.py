"""The preprocessing of a model as a few array operations, when it is of the usual form.

scikit-learn's ColumnTransformer spends about a millisecond per call on checks, whatever the
number of rows. The usual form (ordinal codes, plain numbers, filled and scaled numbers) needs
none of them. It is used only when it is proven to give the same matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from homeostat.pipeline.answer import dense

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

Encode = Callable[["pl.DataFrame"], "np.ndarray"]
"""From a conforming frame of shape (rows, features) to a float64 matrix (rows, columns)."""


def encoder_of(preprocess: Any, probe: pl.DataFrame) -> Encode:
    """The fastest equal way to encode rows for the estimator.

    The plain form is compared with ``preprocess`` itself on ``probe``, to which a row of nulls
    and a row of unknown categories are added; at any difference ``preprocess`` is used.
    """

    def original(frame: pl.DataFrame) -> np.ndarray:
        return dense(preprocess.transform(frame))

    plain = _plain(preprocess, probe.columns)
    if plain is None or not _equal(plain, original, probe):
        return original
    return plain


def _equal(plain: Encode, original: Encode, probe: pl.DataFrame) -> bool:
    import numpy as np
    import polars as pl

    strange = probe.head(1).with_columns(pl.col(pl.String).replace(None, "").add("\0unknown"))
    nulls = probe.clear().select(pl.all().extend_constant(None, 1))
    for rows in (probe, strange, nulls):
        try:
            expected = original(rows)
        except (ValueError, TypeError):  # it refuses nulls; the schema then refuses them too
            continue
        if not np.array_equal(plain(rows), expected, equal_nan=True):
            return False
    return True


def _plain(preprocess: Any, names: Sequence[str]) -> Encode | None:
    """The plain form of a fitted ColumnTransformer, None when a part of it is unknown."""
    import numpy as np

    parts: list[Encode] = []
    for name, transformer, columns in getattr(preprocess, "transformers_", ()):
        if name == "remainder" and (transformer == "drop" or not len(columns)):
            continue
        chosen = [
            str(names[int(c)]) if isinstance(c, int | np.integer) else str(c) for c in columns
        ]
        part = _part(transformer, chosen)
        if part is None:
            return None
        parts.append(part)
    if not parts:
        return None

    def encode(frame: pl.DataFrame) -> np.ndarray:
        found = [part(frame) for part in parts]
        return found[0] if len(found) == 1 else np.hstack(found)

    return encode


def _part(transformer: Any, columns: list[str]) -> Encode | None:
    kind = type(transformer).__name__
    if kind == "OrdinalEncoder":
        return _ordinal(transformer, columns)
    if transformer == "passthrough" or (kind == "FunctionTransformer" and not transformer.func):
        return lambda frame: frame.select(columns).to_numpy()
    if kind == "Pipeline" and [type(step).__name__ for _, step in transformer.steps] == [
        "SimpleImputer",
        "StandardScaler",
    ]:
        return _filled_and_scaled(transformer[0], transformer[1], columns)
    return None


def _ordinal(transformer: Any, columns: list[str]) -> Encode | None:
    import numpy as np
    import polars as pl

    if transformer.handle_unknown != "use_encoded_value":
        return None
    unknown, missing = float(transformer.unknown_value), transformer.encoded_missing_value
    codes = []
    for name, seen in zip(columns, transformer.categories_, strict=True):
        known = {v: float(i) for i, v in enumerate(seen) if isinstance(v, str)}
        # A null seen in training: None has a code of its own, NaN the one for missing values.
        null = next((float(i) for i, v in enumerate(seen) if v is None), None)
        if null is None:
            null = float(missing) if len(known) < len(seen) else unknown
        old = pl.Series([*known, None], dtype=pl.String)
        new = pl.Series([*known.values(), null], dtype=pl.Float64)
        codes.append(pl.col(name).replace_strict(old, new, default=unknown))

    def encode(frame: pl.DataFrame) -> np.ndarray:
        return np.asarray(frame.select(codes).to_numpy())

    return encode


def _filled_and_scaled(imputer: Any, scaler: Any, columns: list[str]) -> Encode | None:
    import numpy as np

    fills = np.asarray(imputer.statistics_, dtype=np.float64)
    if imputer.add_indicator or len(fills) != len(columns) or np.isnan(fills).any():
        return None

    def encode(frame: pl.DataFrame) -> np.ndarray:
        matrix = frame.select(columns).to_numpy()
        matrix = np.where(np.isnan(matrix), fills, matrix)
        if scaler.with_mean:
            matrix = matrix - scaler.mean_
        return matrix / scaler.scale_ if scaler.with_std else matrix

    return encode
