"""Metrics against scikit-learn, with weights, ties and the edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from homeostat.stats.metrics import (
    LOSSES,
    METRICS,
    Ranked,
    known,
    less_is_better,
    measure,
    oriented,
    own,
    row_loss,
    row_values,
)

CLASSIFICATION = (
    "auc",
    "average_precision",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "log_loss",
    "brier",
    "calibration_error",
)


def binned_gap(
    truth: np.ndarray, prediction: np.ndarray, sample_weight: np.ndarray | None
) -> float:
    weight = np.ones(truth.size) if sample_weight is None else sample_weight
    found = 0.0
    for low in range(10):
        inside = (prediction * 10 >= low) & ((prediction * 10 < low + 1) | (low == 9))
        found += abs((weight * (prediction - truth))[inside].sum())
    return float(found / weight.sum())


SKLEARN: dict[str, Any] = {
    "auc": reference.roc_auc_score,
    "average_precision": reference.average_precision_score,
    "accuracy": lambda t, p, sample_weight: reference.accuracy_score(
        t, p >= 0.5, sample_weight=sample_weight
    ),
    "precision": lambda t, p, sample_weight: reference.precision_score(
        t, p >= 0.5, sample_weight=sample_weight
    ),
    "recall": lambda t, p, sample_weight: reference.recall_score(
        t, p >= 0.5, sample_weight=sample_weight
    ),
    "f1": lambda t, p, sample_weight: reference.f1_score(t, p >= 0.5, sample_weight=sample_weight),
    "calibration_error": binned_gap,
    "mape": reference.mean_absolute_percentage_error,
    "log_loss": reference.log_loss,
    "brier": reference.brier_score_loss,
    "mae": reference.mean_absolute_error,
    "rmse": reference.root_mean_squared_error,
    "r2": reference.r2_score,
}


def rows(metric: str, seed: int, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    if metric not in CLASSIFICATION:
        truth = random.normal(5, 3, size=n)
        return truth, truth + random.normal(size=n)
    truth = (random.uniform(size=n) < 0.3).astype(np.float64)
    prediction = np.round(random.uniform(size=n) * 0.7 + 0.2 * truth, 1 + seed % 3)
    return truth, np.clip(prediction, 0.01, 0.99)  # many ties, some ties, few


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_metric_equals_scikit_learns(metric: str, seed: int) -> None:
    truth, prediction = rows(metric, seed)
    expected = SKLEARN[metric](truth, prediction, sample_weight=None)
    assert measure(metric, truth, prediction) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_a_weighted_metric_equals_scikit_learns(metric: str) -> None:
    truth, prediction = rows(metric, 1)
    weights = np.random.default_rng(9).integers(0, 4, size=truth.size).astype(np.float64)
    expected = SKLEARN[metric](truth, prediction, sample_weight=weights)
    assert measure(metric, truth, prediction, weights) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_a_weight_counts_as_so_many_copies_of_the_row(metric: str) -> None:
    truth, prediction = rows(metric, 2, 80)
    times = np.random.default_rng(4).integers(0, 5, size=truth.size)
    copied = measure(metric, np.repeat(truth, times), np.repeat(prediction, times))
    weighted = measure(metric, truth, prediction, times.astype(np.float64))
    assert weighted == pytest.approx(copied, rel=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_the_order_of_rows_does_not_matter(metric: str) -> None:
    truth, prediction = rows(metric, 0)
    shuffled = np.random.default_rng(5).permutation(truth.size)
    again = measure(metric, truth[shuffled], prediction[shuffled])
    assert again == pytest.approx(measure(metric, truth, prediction), rel=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_no_rows_and_no_weight_are_undefined(metric: str) -> None:
    none = np.empty(0)
    assert measure(metric, none, none) is None
    truth, prediction = rows(metric, 0)
    assert measure(metric, truth, prediction, np.zeros(truth.size)) is None


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_auc_of_one_class_is_undefined(value: float) -> None:
    assert measure("auc", np.full(5, value), np.linspace(0, 1, 5)) is None


def test_average_precision_needs_positive_rows() -> None:
    assert measure("average_precision", np.zeros(5), np.linspace(0, 1, 5)) is None
    assert measure("average_precision", np.ones(5), np.linspace(0, 1, 5)) == 1.0


def test_r2_of_a_constant_target_is_undefined() -> None:
    assert measure("r2", np.full(4, 2.0), np.arange(4.0)) is None


def test_a_constant_prediction_has_auc_one_half() -> None:
    assert measure("auc", np.array([0.0, 1.0, 0.0, 1.0]), np.full(4, 0.3)) == 0.5


def test_a_certain_and_wrong_probability_has_a_finite_log_loss() -> None:
    found = measure("log_loss", np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert found == pytest.approx(-np.log(1e-7))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_finite_number_is_an_error(metric: str, bad: float) -> None:
    good = np.array([0.0, 1.0, 0.5])
    spoilt = np.array([0.0, bad, 0.5])
    with pytest.raises(ValueError, match="prediction is not a finite number"):
        measure(metric, good, spoilt)
    with pytest.raises(ValueError, match="true value is not a finite number"):
        measure(metric, spoilt, good)


@pytest.mark.parametrize("metric", METRICS)
def test_predictions_for_other_rows_are_an_error(metric: str) -> None:
    with pytest.raises(ValueError, match="2 predictions for 3 rows"):
        measure(metric, np.array([0.0, 1.0, 1.0]), np.array([0.5, 0.5]))


def test_a_metric_that_is_not_known_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        measure("f2", np.zeros(1), np.zeros(1))


@pytest.mark.parametrize("metric", METRICS)
def test_a_better_prediction_has_a_positive_difference(metric: str) -> None:
    truth, _ = rows(metric, 0)
    noise = np.random.default_rng(1).uniform(size=truth.size)
    if metric in CLASSIFICATION:
        near, far = 0.5 + (truth - 0.5) * 0.8, np.clip(0.2 * truth + 0.7 * noise, 0, 1)
    else:
        near, far = truth + 0.1 * noise, truth + 3 * noise
    better, worse = measure(metric, truth, near), measure(metric, truth, far)
    assert better is not None
    assert worse is not None
    assert oriented(metric, better, worse) > 0
    assert oriented(metric, worse, better) < 0
    assert (better < worse) == (metric in LOSSES)


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "brier", "mae"])
def test_a_metric_that_is_a_mean_is_the_mean_of_its_row_values(metric: str) -> None:
    truth, prediction = rows(metric, 1)
    values = row_values(metric, truth, prediction)
    assert values is not None
    assert values.mean() == pytest.approx(measure(metric, truth, prediction), rel=1e-12)


@pytest.mark.parametrize("metric", ["auc", "average_precision", "rmse", "r2"])
def test_other_metrics_have_no_row_values(metric: str) -> None:
    assert row_values(metric, *rows(metric, 1)) is None


def test_row_loss_is_log_loss_for_classes_and_squared_error_for_values() -> None:
    truth, prediction = np.array([1.0, 0.0]), np.array([0.25, 0.5])
    assert row_loss("binary", truth, prediction) == pytest.approx(-np.log([0.25, 0.5]))
    assert row_loss("regression", truth, prediction) == pytest.approx([0.5625, 0.25])


def test_one_sort_serves_many_weightings() -> None:
    truth, prediction = rows("auc", 1)
    ranked = Ranked(truth, prediction)
    random = np.random.default_rng(3)
    for _ in range(5):
        weights = random.integers(0, 3, size=truth.size).astype(np.float64)
        assert ranked.auc(weights) == measure("auc", truth, prediction, weights)


@pytest.mark.parametrize("percent", [10, 50, 95])
def test_pinball_equals_scikit_learns(percent: int) -> None:
    truth, prediction = rows("mae", 3)
    expected = reference.mean_pinball_loss(truth, prediction, alpha=percent / 100)
    assert measure(f"pinball_{percent}", truth, prediction) == pytest.approx(expected, rel=1e-12)
    assert less_is_better(f"pinball_{percent}")
    assert known(f"pinball_{percent}")
    assert not known("pinball_0")
    assert not known("pinball_100")


def test_mape_is_undefined_when_a_true_value_is_nothing() -> None:
    assert measure("mape", np.array([0.0, 1.0]), np.ones(2)) is None
    assert row_values("mape", np.array([0.0, 1.0]), np.ones(2)) is None


def test_a_metric_of_ones_own_is_measured_and_not_a_number_is_undefined() -> None:
    worst = own("worst", lambda truth, prediction: float(abs(truth - prediction).max()), True)
    truth, prediction = rows("mae", 3)
    assert measure(worst, truth, prediction) == pytest.approx(abs(truth - prediction).max())
    assert oriented(worst, 1.0, 3.0) == 2.0
    assert measure(worst, np.empty(0), np.empty(0)) is None
    nothing = own("nothing", lambda truth, prediction: float("nan"), False)
    assert measure(nothing, truth, prediction) is None
