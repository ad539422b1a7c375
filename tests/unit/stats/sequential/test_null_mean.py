import math

import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.stats.sequential.null_mean import BettingTest


def _read(values, *args, **more):
    test = BettingTest(*args, **more)
    test.update_many(values)
    return test.result


def _slack(rate, streams):
    return rate + 3 * math.sqrt(rate * (1 - rate) / streams)


def _beta(random):
    return random.beta(2, 18, 3000)


def _rare(random):
    return (random.random(3000) < 0.001).astype(float)


def _even(random):
    return (random.random(3000) < 0.5).astype(float)


@pytest.mark.parametrize(("draw", "mean"), [(_beta, 0.1), (_rare, 0.001), (_even, 0.5)])
@pytest.mark.parametrize("side", ["above", "below"])
def test_looked_at_after_every_row_it_seldom_ever_fails_or_passes_at_the_mean(draw, mean, side):
    random, streams = np.random.default_rng(round(1000 * mean)), 600
    verdicts = [_read(draw(random), mean, side=side).verdict for _ in range(streams)]
    assert verdicts.count(Verdict.FAIL) / streams <= _slack(0.05, streams)
    assert verdicts.count(Verdict.PASS) / streams <= _slack(0.05, streams)


def test_a_mean_on_either_side_is_shown():
    random = np.random.default_rng(2)
    above = [_read(random.beta(2, 8, 500), 0.15).verdict for _ in range(200)]
    below = [_read(random.beta(2, 8, 500), 0.25).verdict for _ in range(200)]
    assert above.count(Verdict.FAIL) >= 190
    assert below.count(Verdict.PASS) >= 190


def test_the_sides_mirror():
    values = np.random.default_rng(3).beta(2, 3, 200)
    above = _read(values, 0.3, side="above")
    below = _read(1 - values, 0.7, side="below")
    assert above.verdict is below.verdict
    assert above.p_value == pytest.approx(below.p_value, rel=1e-6)
    scaled = _read(values * 10 - 5, -2.0, -5.0, 5.0)
    assert scaled.p_value == pytest.approx(above.p_value, rel=1e-6)
    assert scaled.estimate == pytest.approx(10 * above.estimate - 5)


def test_the_p_value_only_falls_and_agrees_with_the_verdict():
    test, before = BettingTest(0.4), 1.0
    for value in np.random.default_rng(4).random(400):
        test.update(value)
        found = test.result
        assert found.p_value <= before
        assert (found.p_value <= 0.05 * (1 + 1e-12)) == (found.verdict is Verdict.FAIL)
        before = found.p_value
    assert before < 0.05


def test_a_fail_stays_until_reset():
    test = BettingTest(0.5)
    test.update_many(np.ones(50))
    test.update_many(np.zeros(500))
    test.update(7.0)
    assert test.result.verdict is Verdict.FAIL
    test.reset()
    assert test.result.verdict is Verdict.INCONCLUSIVE
    test.update_many(np.zeros(50))
    assert test.result.verdict is Verdict.PASS


def test_many_at_once_is_one_by_one_and_values_that_are_not_finite_change_nothing():
    values = np.random.default_rng(5).random(300)
    spoilt = np.insert(values, [0, 100, 200], [np.nan, np.inf, -np.inf])
    one, many, clean = (BettingTest(0.45) for _ in range(3))
    for value in spoilt:
        one.update(value)
    many.update_many(spoilt)
    clean.update_many(values)
    assert one.result == many.result
    assert many.result.skipped == 3
    assert many.result.p_value == clean.result.p_value


@pytest.mark.parametrize("values", [[], [np.nan] * 3, [0.9], [0.5] * 5000])
def test_nothing_one_row_or_the_mean_itself_decides_nothing(values):
    assert _read(values, 0.5).verdict is Verdict.INCONCLUSIVE


def test_a_value_outside_the_bounds_is_an_error_but_no_alarm():
    found = _read([1e308, -0.1], 0.5)
    assert (found.verdict, found.rows, found.estimate) == (Verdict.ERROR, 0, None)
    assert "2 values" in found.reason


def test_a_mean_at_a_bound_can_only_be_left():
    assert _read([0.0] * 1000, 0.0).verdict is Verdict.INCONCLUSIVE
    assert _read([0.1] * 100, 0.0).verdict is Verdict.FAIL
    assert _read([1.0] * 1000, 1.0, side="below").verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "wrong",
    [
        {"null_mean": 2.0},
        {"null_mean": math.nan},
        {"null_mean": 0.5, "error_rate": 0.0},
        {"null_mean": 0.5, "high": 0.0},
        {"null_mean": 0.5, "side": "up"},
    ],
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError):
        BettingTest(**wrong)
