from __future__ import annotations

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

from homeostat.pipeline import onnx
from homeostat.pipeline.answer import dense, predictions

from . import fitted_models as given


@pytest.mark.parametrize(
    "fitted",
    [
        given.fit(given.boosted()),
        given.fit(given.forest(), kind="linear"),
        given.fit(given.logistic(), kind="linear"),
        given.regression(),
        given.regression(Ridge()),
    ],
    ids=["lightgbm", "forest", "logistic", "lightgbm-regression", "ridge"],
)
def test_a_compiled_model_answers_as_the_native_one(fitted: given.Fitted) -> None:
    compiled = onnx.compile_onnx(fitted.model, fitted.rows)
    assert compiled.content is not None, compiled.note
    assert compiled.note.startswith("equal: largest")
    assert f"{fitted.rows.height} evaluation rows" in compiled.note
    answers = onnx.Runtime(compiled.content).answer(dense(fitted.model[0].transform(fitted.rows)))
    np.testing.assert_allclose(
        answers[:, -1], predictions(fitted.model, fitted.rows), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("estimator", [given.boosted(), given.forest()])
def test_boolean_labels_do_not_stop_the_compiler(estimator: object) -> None:
    rows, target = given.cancer()
    steps = [("preprocess", given.preprocess(rows, "trees")), ("estimator", estimator)]
    model = Pipeline(steps).fit(rows, target.astype(bool))
    if type(estimator).__name__ == "LGBMClassifier":
        assert onnx.compile_onnx(model, rows).content is not None
    else:
        assert onnx.compile_onnx(model, rows.drop_nulls()).content is not None


def test_compiling_twice_gives_the_same_bytes() -> None:
    fitted = given.fit(given.boosted())
    again = given.fit(given.boosted())
    first = onnx.compile_onnx(fitted.model, fitted.rows).content
    assert first == onnx.compile_onnx(again.model, again.rows).content


def test_what_cannot_be_compiled_says_why() -> None:
    class Unknown(HistGradientBoostingClassifier):
        pass

    fitted = given.fit(Unknown(max_iter=5))
    compiled = onnx.compile_onnx(fitted.model, fitted.rows)
    assert compiled.content is None
    assert compiled.note.startswith("not compiled: ")
    assert len(compiled.note) > len("not compiled: ") + 10


def test_without_rows_nothing_is_proven_so_nothing_is_compiled() -> None:
    fitted = given.fit(given.boosted())
    compiled = onnx.compile_onnx(fitted.model, fitted.rows.clear())
    assert compiled.content is None
    assert "no evaluation rows" in compiled.note


def test_a_compiled_model_that_differs_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = given.fit(given.boosted())
    monkeypatch.setattr(onnx, "TOLERANCE", 1e-12)
    compiled = onnx.compile_onnx(fitted.model, fitted.rows)
    assert compiled.content is None
    assert compiled.note.startswith("not used: largest absolute difference")


def test_the_difference_of_values_is_relative_to_their_size() -> None:
    large = given.regression(LGBMRegressor(n_estimators=20, n_jobs=1, verbose=-1))
    large.model[-1].fit(dense(large.model[0].transform(large.rows)), large.target * 1e6)
    compiled = onnx.compile_onnx(large.model, large.rows)
    assert compiled.content is not None, compiled.note
    assert "relative" in compiled.note
