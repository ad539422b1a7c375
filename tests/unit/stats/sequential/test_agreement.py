import math

import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.stats.sequential.agreement import disagreement
from homeostat.stats.sequential.betting import BettingMean


def _arms(random, rows, spread):
    champion = random.uniform(0.3, 0.7, rows)
    return champion + random.uniform(-spread, spread, rows), champion


def test_it_is_the_betting_interval_of_the_absolute_differences():
    ours, theirs = _arms(np.random.default_rng(1), 700, 0.2)
    stream = BettingMean(limit=0.05)
    stream.update_many(np.abs(ours - theirs))
    found = disagreement(ours, theirs, limit=0.05)
    assert (found.low, found.high, found.verdict) == (
        stream.result.low,
        stream.result.high,
        stream.result.verdict,
    )
    assert found.estimate == pytest.approx(np.abs(ours - theirs).mean())


def test_a_difference_at_the_limit_seldom_ever_fails_or_passes():
    """The mean difference is 0.1. The interval only narrows, so the last look holds them all."""
    random, streams = np.random.default_rng(2), 200
    found = [disagreement(*_arms(random, 1000, 0.2), limit=0.1) for _ in range(streams)]
    wrong = sum(each.verdict is not Verdict.INCONCLUSIVE for each in found)
    assert wrong / streams <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / streams)


@pytest.mark.parametrize(("spread", "verdict"), [(0.3, "fail"), (0.1, "pass")])
def test_a_difference_well_off_the_limit_is_shown(spread, verdict):
    random = np.random.default_rng(3)
    found = [disagreement(*_arms(random, 300, spread), limit=0.1).verdict for _ in range(50)]
    assert found.count(verdict) >= 48


def test_arms_that_agree_pass_and_arms_that_are_opposite_fail():
    same = np.random.default_rng(4).random(500)
    found = disagreement(same, same, limit=0.02)
    assert (found.verdict, found.estimate, found.low) == (Verdict.PASS, 0.0, 0.0)
    found = disagreement(np.zeros(100), np.ones(100), limit=0.5)
    assert (found.verdict, found.estimate, found.high) == (Verdict.FAIL, 1.0, 1.0)


def test_classes_are_compared_by_total_variation():
    random = np.random.default_rng(5)
    ours, theirs = random.dirichlet([2, 3, 4], 300), random.dirichlet([2, 3, 4], 300)
    found = disagreement(ours, theirs, limit=0.1)
    assert found.estimate == pytest.approx(np.abs(ours - theirs).sum(axis=1).mean() / 2)
    assert found.verdict is Verdict.FAIL
    two = np.stack([ours[:, 0], 1 - ours[:, 0]], 1), np.stack([theirs[:, 0], 1 - theirs[:, 0]], 1)
    single = disagreement(ours[:, 0], theirs[:, 0], limit=0.1)
    assert disagreement(*two, limit=0.1).estimate == pytest.approx(single.estimate)


def test_other_bounds_only_scale():
    ours, theirs = _arms(np.random.default_rng(6), 400, 0.2)
    unit = disagreement(ours, theirs, limit=0.05)
    scaled = disagreement(ours * 40 - 20, theirs * 40 - 20, limit=2.0, low=-20.0, high=20.0)
    assert scaled.verdict is unit.verdict
    assert scaled.estimate == pytest.approx(40 * unit.estimate)
    assert scaled.high == pytest.approx(40 * unit.high, abs=0.05)


@pytest.mark.parametrize("classes", [False, True])
def test_rows_that_are_not_finite_change_nothing(classes):
    random = np.random.default_rng(7)
    draw = (lambda: random.dirichlet([1, 1], 200)) if classes else (lambda: random.random(200))
    ours, theirs = draw(), draw()
    clean = disagreement(ours, theirs, limit=0.2)
    bad = np.insert(ours, [0, 50, 100], np.nan, axis=0)
    other = np.insert(theirs, [0, 50, 100], np.inf, axis=0)
    found = disagreement(bad, other, limit=0.2)
    assert (found.low, found.high, found.verdict) == (clean.low, clean.high, clean.verdict)
    assert (found.rows, found.skipped) == (200, 3)


@pytest.mark.parametrize("rows", [[], [np.nan] * 4, [0.2]])
def test_nothing_and_one_row_decide_nothing(rows):
    assert disagreement(rows, rows, limit=0.5).verdict is Verdict.INCONCLUSIVE
    assert disagreement(np.zeros((0, 3)), np.zeros((0, 3)), limit=0.5).rows == 0


@pytest.mark.parametrize("value", [-0.01, 1.01, 1e308, -1e308])
def test_predictions_that_there_cannot_be_are_an_error(value):
    fine = np.full(100, 0.5)
    found = disagreement(np.append(fine, value), np.append(fine, value), limit=0.5)
    assert found.verdict is Verdict.ERROR
    assert "1 of 101" in found.reason
    assert disagreement([[value, 1 - value]], [[0.5, 0.5]], limit=0.5).verdict is Verdict.ERROR


def test_probabilities_that_do_not_sum_to_one_are_an_error():
    assert disagreement([[0.5, 0.4]], [[0.5, 0.5]], limit=0.5).verdict is Verdict.ERROR
    assert disagreement([[1e308, 1e308]], [[0.5, 0.5]], limit=0.5).verdict is Verdict.ERROR


@pytest.mark.parametrize(
    "wrong",
    [{"limit": -0.1}, {"limit": 1.1}, {"limit": math.nan}, {"low": 1.0}, {"error_rate": 1.0}],
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError):
        disagreement([0.1], [0.2], **{"limit": 0.5, **wrong})


def test_arrays_of_unlike_shape_are_refused():
    for ours, theirs in [([0.1, 0.2], [0.1]), ([[0.5, 0.5]], [0.5]), (0.5, 0.5)]:
        with pytest.raises(ValueError, match="shape"):
            disagreement(ours, theirs, limit=0.5)
