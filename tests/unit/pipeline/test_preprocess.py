"""Features to numbers: unknown, missing and empty values, Polars and pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from homeostat.pipeline.answer import dense
from homeostat.pipeline.preprocess import fit_preprocess, inputs, takes_nan
from homeostat.spec.project import Project

from .test_features import declared


def project(row: tuple[str, ...] = ("kind", "x", "y")) -> Project:
    categorical = [name for name in row if name == "kind"]
    return declared(features={"row": row, "categorical": categorical})


TRAINED = pl.DataFrame(
    {"kind": ["b", "a", None, "b"], "x": [1.0, None, 3.0, 5.0], "y": [10.0, 20.0, 30.0, 40.0]}
)


def encoded(rows: Any, *, nan: bool = True, trained: pl.DataFrame = TRAINED) -> np.ndarray:
    return dense(fit_preprocess(project(), trained, takes_nan=nan).transform(rows))


def test_categories_become_codes_and_numbers_stay() -> None:
    found = encoded(TRAINED)
    assert found[:, 0].tolist() == [1, 0, -1, 1]
    assert np.array_equal(found[:, 1], [1, np.nan, 3, 5], equal_nan=True)
    assert found[:, 2].tolist() == [10, 20, 30, 40]


def test_a_category_never_seen_is_as_one_that_is_missing() -> None:
    rows = pl.DataFrame({"kind": ["c", None], "x": [0.0, 0.0], "y": [0.0, 0.0]})
    assert encoded(rows)[:, 0].tolist() == [-1, -1]


def test_an_estimator_without_nan_gets_the_median_and_a_scale() -> None:
    found = encoded(TRAINED, nan=False)
    assert np.isfinite(found).all()
    assert found[:, 2].mean() == pytest.approx(0)
    assert found[:, 2].std() == pytest.approx(1)
    filled = encoded(TRAINED.with_columns(pl.col("x").fill_null(3.0)), nan=False)
    assert np.allclose(found, filled)


def test_what_is_fitted_depends_on_the_training_part_only() -> None:
    fitted = fit_preprocess(project(), TRAINED.head(2), takes_nan=False)
    later = pl.DataFrame({"kind": ["zzz"] * 9, "x": [1e9] * 9, "y": [-1e9] * 9})
    before = dense(fitted.transform(TRAINED))
    fitted.transform(later)
    assert np.array_equal(before, dense(fitted.transform(TRAINED)))


def test_a_feature_that_was_always_null_does_no_harm() -> None:
    empty = TRAINED.with_columns(
        pl.lit(None, dtype=pl.Float64).alias("x"), pl.lit(None, dtype=pl.String).alias("kind")
    )
    assert encoded(TRAINED, trained=empty)[:, 0].tolist() == [-1, -1, -1, -1]
    assert np.isfinite(encoded(TRAINED, nan=False, trained=empty)).all()


@pytest.mark.parametrize("nan", [True, False])
def test_pandas_frames_give_what_polars_frames_give(nan: bool) -> None:
    polars = encoded(TRAINED, nan=nan)
    assert np.array_equal(polars, encoded(TRAINED.to_pandas(), nan=nan), equal_nan=True)
    objects = TRAINED.to_pandas().astype({"kind": object})
    assert np.array_equal(polars, encoded(objects, nan=nan), equal_nan=True)


@pytest.mark.parametrize("row", [("kind",), ("x", "y")])
def test_a_project_may_have_one_sort_of_features_only(row: tuple[str, ...]) -> None:
    fitted = fit_preprocess(project(row), TRAINED, takes_nan=True)
    assert dense(fitted.transform(inputs(project(row), TRAINED))).shape == (4, len(row))


def test_inputs_are_the_features_in_model_order() -> None:
    rows = TRAINED.select("y", "x", "kind").with_columns(id=pl.lit("a"))
    assert inputs(project(), rows).columns == ["kind", "x", "y"]


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (LGBMClassifier(), True),
        (HistGradientBoostingClassifier(), True),
        (RandomForestClassifier(), True),
        (LogisticRegression(), False),
        (SVC(), False),
        (object(), False),
    ],
)
def test_whether_an_estimator_takes_nan_is_read_from_its_tags(
    estimator: Any, expected: bool
) -> None:
    assert takes_nan(estimator) is expected
