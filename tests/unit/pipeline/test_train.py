"""Making and fitting the estimator; injected faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homeostat.errors import ProjectCodeError, StepError
from homeostat.pipeline.answer import predictions
from homeostat.pipeline.faults import tampered
from homeostat.pipeline.model import model_from_bytes, model_to_bytes
from homeostat.pipeline.train import make_estimator, train
from homeostat.spec.project import Project

from .fitted_models import cancer
from .tiny_project import declaration

OWN = """
from sklearn.linear_model import LogisticRegression

def make(scale=1.0):
    return LogisticRegression(C=scale, max_iter=500)

def seeded(**given):
    return LogisticRegression(**given)

def raises():
    raise RuntimeError("no licence")

def wrong():
    return {"not": "an estimator"}

class Plain:
    '''An estimator without get_params.'''

    def fit(self, X, y):
        self.mean_ = y.mean()
        return self

    def predict(self, X):
        return [self.mean_] * len(X)

class Refuses(Plain):
    def fit(self, X, y):
        raise ArithmeticError("singular matrix")
"""
ROW = ["mean_radius", "mean_texture", "mean_area", "size"]


def project(**training: Any) -> Project:
    sections = declaration()
    sections["features"] = {"row": ROW, "categorical": ["size"]}
    sections["training"] = training
    return Project.model_validate(sections)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


LIGHT = {
    "n_estimators": 5, "min_child_samples": 5, "n_jobs": 1, "deterministic": True,
    "force_row_wise": True, "verbose": -1,
}  # fmt: skip


def test_parameters_are_those_declared_and_those_found(folder: Path) -> None:
    made = make_estimator(project(parameters=LIGHT), folder, {"n_estimators": 9}, 5)
    assert (made.n_estimators, made.min_child_samples, made.random_state) == (9, 5, 5)


def test_a_declared_seed_stays(folder: Path) -> None:
    made = make_estimator(project(parameters={"random_state": 1}), folder, {}, 5)
    assert made.random_state == 1


def test_a_function_beside_the_project_makes_the_estimator(folder: Path) -> None:
    made = make_estimator(project(estimator="own:make"), folder, {"scale": 0.5}, 5)
    assert (made.C, made.random_state) == (0.5, 5)


@pytest.mark.parametrize(
    ("estimator", "told"),
    [
        ("own:make", "unexpected keyword argument 'depth'"),
        ("own:raises", "unexpected keyword argument"),
        ("sklearn.svm:SVC", "unexpected keyword argument"),
    ],
)
def test_parameters_that_it_does_not_take_are_a_typed_error(
    folder: Path, estimator: str, told: str
) -> None:
    with pytest.raises(ProjectCodeError, match=told) as raised:
        make_estimator(project(estimator=estimator), folder, {"depth": 3}, 5)
    assert "depth=3" in raised.value.problem
    assert "training.search.space" in raised.value.next_step


@pytest.mark.parametrize(
    ("estimator", "told"),
    [
        ("own:raises", "RuntimeError: no licence"),
        ("own:wrong", "it gives dict, which has no 'fit' and 'predict'"),
        ("own:missing", "has no 'missing'"),
        ("nowhere:Class", "there is no module 'nowhere'"),
    ],
)
def test_what_is_no_estimator_is_a_typed_error(folder: Path, estimator: str, told: str) -> None:
    with pytest.raises(ProjectCodeError, match=told):
        make_estimator(project(estimator=estimator), folder, {}, 5)


def test_an_estimator_without_parameters_will_do(folder: Path) -> None:
    rows, target = cancer()
    given = project(estimator="own:Plain")
    model = train(given, folder, rows, target.astype(float), {}, 5)
    assert predictions(model, rows.select(ROW))[0] == pytest.approx(target.mean())


def test_an_estimator_that_cannot_be_fitted_is_a_typed_error_with_its_cause(folder: Path) -> None:
    rows, target = cancer()
    with pytest.raises(StepError, match="ArithmeticError: singular matrix") as raised:
        train(project(estimator="own:Refuses"), folder, rows, target.astype(float), {}, 5)
    assert isinstance(raised.value.__cause__, ArithmeticError)


@pytest.mark.parametrize("estimator", ["lightgbm:LGBMClassifier", "own:seeded"])
def test_the_same_rows_and_seed_give_the_same_bytes(folder: Path, estimator: str) -> None:
    rows, target = cancer()
    given = project(
        estimator=estimator, parameters=LIGHT if estimator.startswith("lightgbm") else {}
    )
    one, same = (
        model_to_bytes(train(given, folder, rows, target.astype(float), {}, 5)) for _ in range(2)
    )
    assert one == same
    again = model_from_bytes(one)
    assert np.array_equal(
        predictions(again, rows.select(ROW)),
        predictions(train(given, folder, rows, target.astype(float), {}, 5), rows.select(ROW)),
    )


def test_shuffled_labels_are_the_same_labels_in_another_order() -> None:
    target = np.arange(100.0)
    found = tampered(target, ("shuffle_labels",), 5)
    assert sorted(found) == sorted(target)
    assert not np.array_equal(found, target)
    assert np.array_equal(found, tampered(target, ("shuffle_labels",), 5))
    assert not np.array_equal(found, tampered(target, ("shuffle_labels",), 6))
    assert np.array_equal(target, np.arange(100.0))


def test_without_faults_the_target_is_as_it_was() -> None:
    assert tampered(np.arange(3.0), (), 5).tolist() == [0, 1, 2]


def test_a_fault_that_is_not_known_is_a_typed_error() -> None:
    with pytest.raises(StepError, match="there is no fault 'typo'"):
        tampered(np.arange(3.0), ("typo",), 5)
