from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, StandardScaler

from homeostat.pipeline.answer import dense
from homeostat.pipeline.encoder import encoder_of

from . import fitted_models as given


def ordinal(**changes: Any) -> OrdinalEncoder:
    chosen: dict[str, Any] = {
        "handle_unknown": "use_encoded_value",
        "unknown_value": -1,
        "encoded_missing_value": -2,
    }
    return OrdinalEncoder(**(chosen | changes))


def fitted(numbers: Any, rows: pl.DataFrame, category: Any = None) -> ColumnTransformer:
    names = [name for name in rows.columns if name != "size"]
    parts = [("category", category or ordinal(), ["size"]), ("number", numbers, names)]
    return ColumnTransformer(parts, remainder="drop").fit(rows)


def scaled(**imputer: Any) -> Pipeline:
    chosen = {"strategy": "median"} | imputer
    return Pipeline([("impute", SimpleImputer(**chosen)), ("scale", StandardScaler())])


class Refusing:
    """Stands in for a fitted transformer, to see whether it is asked."""

    def __init__(self, inner: ColumnTransformer) -> None:
        self.inner = inner
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def transform(self, rows: pl.DataFrame) -> np.ndarray:
        self.asked += 1
        return self.inner.transform(rows)


def strange(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, with unknown categories, nulls and infinities that the probe did not have."""
    return rows.with_columns(
        pl.when(pl.int_range(rows.height) % 3 == 0)
        .then(pl.lit("vast"))
        .otherwise("size")
        .alias("size"),
        pl.when(pl.int_range(rows.height) % 4 != 0).then("mean_area").alias("mean_area"),
    )


@pytest.mark.parametrize("numbers", ["passthrough", scaled()], ids=["plain", "scaled"])
@pytest.mark.parametrize("nulls", [True, False], ids=["nulls-seen", "no-nulls-seen"])
def test_the_plain_form_gives_the_same_matrix_without_asking(numbers: Any, nulls: bool) -> None:
    rows = given.cancer()[0]
    rows = rows if nulls else rows.drop_nulls()
    watched = Refusing(fitted(numbers, rows))
    encode = encoder_of(watched, rows.head(20))
    asked = watched.asked
    for given_rows in (rows, strange(rows), rows.head(1)):
        expected = dense(watched.inner.transform(given_rows))
        np.testing.assert_array_equal(encode(given_rows), expected)
    assert watched.asked == asked


@pytest.mark.parametrize(
    ("numbers", "category"),
    [
        (FunctionTransformer(lambda frame: frame.to_numpy() * 2), None),
        (scaled(add_indicator=True), None),
        ("passthrough", ordinal(handle_unknown="error", unknown_value=None)),
        ("passthrough", Pipeline([("codes", ordinal())])),
    ],
    ids=["function", "indicator", "strict", "nested"],
)
def test_any_other_form_is_left_to_scikit_learn(numbers: Any, category: Any) -> None:
    rows = given.cancer()[0].drop_nulls()
    watched = Refusing(fitted(numbers, rows, category))
    encode = encoder_of(watched, rows.head(20))
    asked = watched.asked
    np.testing.assert_array_equal(encode(rows), dense(watched.inner.transform(rows)))
    assert watched.asked == asked + 1


def test_a_plain_form_that_differs_on_the_probe_is_not_used() -> None:
    rows = given.cancer()[0]
    watched = Refusing(fitted("passthrough", rows))
    real = watched.inner.transform
    watched.inner.transform = lambda frame: real(frame) + 1.0
    encode = encoder_of(watched, rows.head(20))
    np.testing.assert_array_equal(encode(rows), dense(real(rows)) + 1.0)
