"""The search: seeded, on the training part only, pruned where the estimator reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optuna
import polars as pl
import pytest

from homeostat.errors import StepError
from homeostat.pipeline import trial as trial_module
from homeostat.pipeline.trial import Judge, suggest
from homeostat.pipeline.tune import Found, tune
from homeostat.spec.project import Project
from homeostat.spec.training import Parameter

from .test_train import LIGHT
from .tiny_project import declaration

SPACE: dict[str, Any] = {
    "learning_rate": {"low": 0.001, "high": 0.5, "log": True},
    "num_leaves": {"low": 3, "high": 15, "integer": True},
}


def project(search: dict[str, Any] | None = None, **training: Any) -> Project:
    sections = declaration()
    sections["features"] = {"row": ["x", "y"]}
    given = {"space": SPACE, "trials": 6, "sample_rows": 300} | (search or {})
    sections["training"] = {"parameters": LIGHT, "search": given} | training
    return Project.model_validate(sections)


def rows(n: int = 400) -> tuple[pl.DataFrame, np.ndarray]:
    random = np.random.default_rng(3)
    x, y = random.normal(size=n), random.normal(size=n)
    target = (x + 0.5 * y + random.normal(size=n) > 0).astype(np.float64)
    return pl.DataFrame({"x": x, "y": y}), target


def found(given: Project, seed: int = 1, folder: Path = Path()) -> Found:
    return tune(given, folder, *rows(), seed)


@pytest.mark.parametrize("sampler", ["tpe", "random", "nsga2"])
def test_the_same_seed_gives_the_same_trials(sampler: str) -> None:
    given = project({"sampler": sampler})
    assert found(given) == found(given)
    assert found(given).trials != found(given, seed=2).trials
    assert [one["number"] for one in found(given).trials] == list(range(6))


def test_the_best_trial_is_chosen_by_the_primary_metric() -> None:
    result = found(project({"pruner": "none"}))
    best = max(result.trials, key=lambda one: one["values"]["auc"])
    assert result.parameters == best["parameters"]
    assert set(result.parameters) == set(SPACE)


def test_of_a_loss_the_least_is_the_best() -> None:
    result = found(project({"pruner": "none", "objectives": ["log_loss"]}))
    best = min(result.trials, key=lambda one: one["values"]["log_loss"])
    assert result.parameters == best["parameters"]


def test_several_objectives_are_all_recorded_and_the_first_decides() -> None:
    given = project({"sampler": "nsga2", "objectives": ["auc", "log_loss"], "trials": 8})
    result = found(given)
    assert all(set(one["values"]) == {"auc", "log_loss"} for one in result.trials)
    assert result.parameters == max(result.trials, key=lambda t: t["values"]["auc"])["parameters"]


def many_trees(**search: Any) -> Project:
    given = {"trials": 12, "sampler": "random", "sample_rows": 120} | search
    return project(given, parameters=LIGHT | {"n_estimators": 100})


def test_hopeless_trials_are_pruned_on_the_way_the_same_ones_every_time() -> None:
    result = found(many_trees())
    pruned = [one for one in result.trials if one["state"] == "pruned"]
    assert pruned
    assert all(one["trees"] is not None and one["trees"] < 100 for one in pruned)
    assert all(one["values"] == {} for one in pruned)
    assert found(many_trees()) == result


def test_without_a_pruner_every_trial_is_fitted_whole() -> None:
    states = {one["state"] for one in found(many_trees(pruner="none", trials=4)).trials}
    assert states == {"complete"}


FORESTS = {
    "estimator": "sklearn.ensemble:ExtraTreesClassifier",
    "parameters": {"n_estimators": 45, "n_jobs": 1},
}


def test_a_forest_grown_in_steps_is_the_forest_fitted_at_once() -> None:
    space = {"max_depth": {"low": 1, "high": 9, "integer": True}}
    steps, whole = (
        found(project({"space": space, "trials": 2, "pruner": pruner}, **FORESTS))
        for pruner in ("hyperband", "none")
    )
    assert [one["trees"] for one in steps.trials] == [40, 40]
    assert [one["values"] for one in steps.trials] == [one["values"] for one in whole.trials]


def test_other_estimators_are_searched_without_pruning() -> None:
    space = {"C": {"choices": [0.01, 1.0]}}
    given = project(
        {"space": space, "trials": 3}, estimator="sklearn.linear_model:LogisticRegression",
        parameters={},
    )  # fmt: skip
    result = found(given)
    assert {one["trees"] for one in result.trials} == {None}
    assert result.parameters["C"] in (0.01, 1.0)


def test_only_the_latest_rows_are_searched_and_the_latest_of_them_judge() -> None:
    given = project()
    search = given.training.search
    assert search is not None
    judge = Judge(given, Path(), *rows(), 1, ("auc",), search)
    assert judge._early.equals(rows()[0].slice(100, 225))
    assert judge._late.equals(rows()[0].slice(325, 75))
    assert np.array_equal(judge._truth, rows()[1][325:])


def test_a_trial_that_fails_is_recorded_with_its_reason_and_the_others_go_on() -> None:
    space = {"num_leaves": {"choices": [-3, 7]}}
    result = found(project({"space": space, "trials": 8, "sampler": "random"}))
    failed = [one for one in result.trials if one["state"] == "fail"]
    assert failed
    assert all("LightGBMError" in one["reason"] for one in failed)
    assert result.parameters == {"num_leaves": 7}


def test_a_search_in_which_all_trials_fail_is_a_typed_error_with_the_first_reason() -> None:
    space = {"no_such": {"choices": [1]}}
    given = project(
        {"space": space, "trials": 2}, estimator="sklearn.linear_model:LogisticRegression",
        parameters={},
    )  # fmt: skip
    with pytest.raises(StepError, match=r"none of 2 trials completed.*no_such"):
        found(given)


def test_a_target_of_one_class_in_the_inner_rows_is_a_typed_error() -> None:
    frame, target = rows()
    target[-100:] = 1.0
    with pytest.raises(StepError, match="auc is undefined on the 75 inner validation rows"):
        tune(project(), Path(), frame, target, 1)


def test_progress_is_told_after_each_trial() -> None:
    told: list[float] = []
    tune(project({"trials": 4}), Path(), *rows(), 1, told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_optuna_is_as_talkative_afterwards_as_before() -> None:
    optuna.logging.set_verbosity(optuna.logging.INFO)
    found(project({"trials": 1}))
    assert optuna.logging.get_verbosity() == optuna.logging.INFO


def test_parameters_are_suggested_as_declared() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    trial = study.ask()
    whole = suggest(trial, "a", Parameter(low=1, high=3, integer=True))
    assert isinstance(whole, int)
    assert 1 <= whole <= 3
    assert 0.1 <= suggest(trial, "b", Parameter(low=0.1, high=0.2)) <= 0.2
    assert suggest(trial, "c", Parameter(choices=("x", None))) in ("x", None)
    assert trial_module.REPORT_EVERY == 20
