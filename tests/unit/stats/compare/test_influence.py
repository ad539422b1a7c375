"""Placements against brute force, and the variance that DeLong's paper gives."""

import numpy as np
import pytest

from homeostat.stats.compare.influence import influence, placements
from homeostat.stats.compare.paired import paired
from homeostat.stats.compare.sample_size import rows_needed
from homeostat.stats.metrics import measure


def drawn(seed, n=120):
    random = np.random.default_rng(seed)
    truth = (random.uniform(size=n) < 0.3).astype(float)
    return truth, np.round(0.3 * truth + random.uniform(size=n), 1), random.uniform(size=n)


@pytest.mark.parametrize("seed", range(3))
def test_placements_are_shares_of_pairs_won(seed):
    truth, prediction, _ = drawn(seed)
    found = placements(truth, prediction)
    for row in range(truth.size):
        others = prediction[truth != truth[row]]
        sign = 1 if truth[row] else -1
        won = (np.sign(prediction[row] - others) * sign + 1) / 2
        assert found[row] == pytest.approx(won.mean())


def delong_variance(truth, a, b):
    """DeLong, DeLong & Clarke-Pearson 1988, straight from the kernel."""

    def parts(score):
        ups, downs = score[truth > 0], score[truth <= 0]
        kernel = (np.sign(ups[:, None] - downs[None, :]) + 1) / 2
        return kernel.mean(axis=1), kernel.mean(axis=0)

    (a10, a01), (b10, b01) = parts(a), parts(b)
    s10, s01 = np.cov(a10, b10), np.cov(a01, b01)
    whole = s10 / a10.size + s01 / a01.size
    return whole[0, 0] + whole[1, 1] - 2 * whole[0, 1]


@pytest.mark.parametrize("seed", range(3))
def test_the_error_of_rows_alone_is_delongs(seed):
    truth, a, b = drawn(seed, 3000)
    found = paired("auc", truth, a, b, np.arange(truth.size), confidence=0.95, resamples=1, seed=0)
    assert found.error == pytest.approx(np.sqrt(delong_variance(truth, a, b)), rel=2e-3)


@pytest.mark.parametrize("metric", ["auc", "f1", "precision", "recall", "rmse", "r2", "brier"])
def test_the_influence_of_a_row_is_what_leaving_it_out_changes(metric):
    truth, prediction, _ = drawn(4, 400)
    found = influence(metric, truth, prediction)
    whole = measure(metric, truth, prediction)
    for row in range(0, 400, 37):
        rest = np.arange(400) != row
        change = whole - measure(metric, truth[rest], prediction[rest])
        assert found[row] / 399 == pytest.approx(change, abs=2e-2 * np.abs(found).max() / 399)


def test_metrics_without_a_closed_form_have_none():
    truth, prediction, _ = drawn(1)
    assert influence("average_precision", truth, prediction) is None
    assert influence("auc", np.ones(3), np.ones(3)) is None


def test_the_rows_that_are_needed_are_about_enough():
    """At the number that is named, the lower end clears its limit in about 80 % of samples."""
    random = np.random.default_rng(3)
    needed = rows_needed(500, 1 / np.sqrt(500), 0.05, confidence=0.95)
    errors = random.normal(0.05, 1 / np.sqrt(needed), size=4000)
    cleared = (errors - 1.96 / np.sqrt(needed) > 0).mean()
    assert cleared == pytest.approx(0.8, abs=0.03)
    assert rows_needed(500, 0.01, -0.1, confidence=0.95) is None
    assert rows_needed(0, 0.01, 0.1, confidence=0.95) is None
    assert rows_needed(500, float("nan"), 0.1, confidence=0.95) is None
