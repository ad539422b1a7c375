from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from lightgbm import LGBMClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from homeostat.pipeline.answer import dense
from homeostat.pipeline.explain import MAX_ROWS, explain, feature_owners

from . import fitted_models as given


@pytest.mark.parametrize(
    "fitted",
    [
        given.fit(given.boosted()),
        given.fit(given.boosted(), kind="linear"),
        given.fit(given.forest()),
        given.fit(given.logistic(), kind="linear"),
        given.regression(),
    ],
    ids=["lightgbm", "lightgbm-one-hot", "forest", "logistic", "regression"],
)
def test_importances_name_every_feature_and_add_up_to_one(fitted: given.Fitted) -> None:
    found = explain(fitted.model, fitted.rows, 7)
    assert list(found) == fitted.rows.columns
    assert sum(found.values()) == pytest.approx(1.0)
    assert min(found.values()) >= 0


def test_lightgbm_importances_are_those_of_shap_tree_explainer() -> None:
    import shap

    fitted = given.fit(given.boosted())
    rows = fitted.rows.head(MAX_ROWS)
    values = shap.TreeExplainer(fitted.model[-1]).shap_values(
        dense(fitted.model[0].transform(rows))
    )
    means = np.abs(np.asarray(values)).mean(axis=0)
    owners = feature_owners(fitted.model[0], rows.columns)
    assert owners is not None
    expected = dict(zip(owners, means / means.sum(), strict=True))
    assert explain(fitted.model, rows, 7) == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["trees", "linear"])
def test_a_feature_that_decides_alone_has_all_the_importance(kind: str) -> None:
    generator = np.random.default_rng(1)
    rows = pl.DataFrame({"noise": generator.normal(size=400), "signal": generator.normal(size=400)})
    target = (rows["signal"].to_numpy() > 0).astype(int)
    estimator = given.boosted() if kind == "trees" else given.logistic()
    steps = [("preprocess", given.preprocess(rows, kind)), ("estimator", estimator)]
    found = explain(Pipeline(steps).fit(rows, target), rows, 7)
    assert found["signal"] > 0.9


def test_the_same_seed_gives_the_same_importances() -> None:
    fitted = given.fit(given.logistic(), kind="linear")
    assert explain(fitted.model, fitted.rows, 7) == explain(fitted.model, fitted.rows, 7)


def test_without_rows_or_without_effect_all_importances_are_zero() -> None:
    fitted = given.fit(given.boosted())
    zeros = dict.fromkeys(fitted.rows.columns, 0.0)
    assert explain(fitted.model, fitted.rows.clear(), 7) == zeros
    constant = LGBMClassifier(n_estimators=1, min_child_samples=10_000, verbose=-1)
    assert explain(given.fit(constant).model, fitted.rows, 7) == zeros


def test_one_hot_columns_belong_to_the_feature_they_come_from() -> None:
    fitted = given.fit(given.logistic(), kind="linear")
    owners = feature_owners(fitted.model[0], fitted.rows.columns)
    categories = fitted.model[0].named_transformers_["category"].categories_[0]
    assert owners == ["size"] * len(categories) + fitted.rows.columns[:-1]


def test_a_preprocessing_that_mixes_features_is_explained_on_its_inputs() -> None:
    rows, target = given.cancer()
    numbers = rows.select("mean_radius", "mean_area")

    def total(frame: pl.DataFrame) -> np.ndarray:
        return frame.to_numpy().sum(axis=1, keepdims=True)

    steps = [("preprocess", FunctionTransformer(total)), ("estimator", given.boosted())]
    model = Pipeline(steps).fit(numbers, target)
    assert feature_owners(model[0], numbers.columns) is None
    found = explain(model, numbers, 7)
    assert found["mean_area"] > found["mean_radius"] > 0


def test_explaining_prints_and_warns_nothing(
    capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    for estimator in (given.boosted(), given.forest()):
        fitted = given.fit(estimator)
        recwarn.clear()
        explain(fitted.model, fitted.rows, 7)
        assert [str(warning.message) for warning in recwarn] == []
    assert capfd.readouterr() == ("", "")
