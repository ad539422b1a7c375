import math

import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.stats.sequential.bernoulli import rate_interval
from homeostat.stats.sequential.betting import BettingMean
from homeostat.stats.sequential.null_mean import BettingTest


def _read(values, *args, **more):
    stream = BettingMean(*args, **more)
    stream.update_many(values)
    return stream.result


@pytest.mark.parametrize("rate", [0.001, 0.3, 0.5])
def test_looked_at_after_every_row_it_seldom_ever_misses_the_truth(rate):
    """The game at the true mean is the two-sided test's; the grid only widens the interval."""
    random, streams = np.random.default_rng(round(1000 * rate)), 1000
    missed = 0
    for _ in range(streams):
        game = BettingTest(rate, error_rate=0.025)
        game.update_many(random.random(3000) < rate)
        missed += game.result.verdict is not Verdict.INCONCLUSIVE
    assert missed / streams <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / streams)


def test_the_interval_itself_seldom_misses_the_truth():
    random, streams = np.random.default_rng(2), 200
    found = [_read(random.beta(2, 8, 1000), grid=200) for _ in range(streams)]
    missed = sum(r.low is None or not r.low <= 0.2 <= r.high for r in found) / streams
    assert missed <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / streams)


def test_it_is_the_means_of_which_no_game_was_won():
    values = np.random.default_rng(3).beta(3, 5, 400)
    found = _read(values, grid=1000)
    standing = []
    for mean in np.linspace(0, 1, 1001):
        game = BettingTest(mean, error_rate=0.025)
        game.update_many(values)
        if game.result.verdict is Verdict.INCONCLUSIVE:
            standing.append(mean)
    assert found.low == pytest.approx(standing[0] - 0.001)
    assert found.high == pytest.approx(standing[-1] + 0.001)


@pytest.mark.parametrize(("alpha", "beta"), [(1, 1), (2, 8), (20, 80)])
def test_at_ten_thousand_rows_it_is_about_twice_as_wide_as_for_one_look(alpha, beta):
    values = np.random.default_rng(4).beta(alpha, beta, 10_000)
    found = _read(values, grid=4000)
    once = 2 * 1.96 * values.std() / 100
    assert 1 < (found.high - found.low) / once < 2.5


def test_it_is_far_narrower_than_a_rate_where_the_values_vary_little():
    found = _read(np.random.default_rng(5).beta(200, 800, 1000))
    low, high = rate_interval(200, 1000, 0.95)
    assert found.high - found.low < (high - low) / 5


def test_the_interval_only_narrows_and_scales_with_the_bounds():
    values = np.random.default_rng(6).random(500)
    stream, scaled = BettingMean(), BettingMean(-10.0, 10.0)
    before = (0.0, 1.0)
    for part in np.split(values, 20):
        stream.update_many(part)
        scaled.update_many(part * 20 - 10)
        now = (stream.result.low, stream.result.high)
        assert before[0] <= now[0] < now[1] <= before[1]
        assert (scaled.result.low, scaled.result.high) == pytest.approx(
            (now[0] * 20 - 10, now[1] * 20 - 10), abs=0.021
        )
        before = now


@pytest.mark.parametrize(
    ("limit", "verdict"), [(0.1, "fail"), (0.2, "inconclusive"), (0.3, "pass")]
)
def test_it_decides_about_a_limit(limit, verdict):
    assert _read(np.random.default_rng(7).beta(2, 8, 500), limit=limit).verdict == verdict


def test_without_a_limit_it_decides_nothing():
    found = _read(np.random.default_rng(7).random(500))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.low < 0.5 < found.high


@pytest.mark.parametrize("moved", [False, True])
def test_many_at_once_is_one_by_one(moved):
    """Also when the mean moves in the middle, and at some row no mean is left."""
    random = np.random.default_rng(8)
    values = np.concatenate(
        [random.beta(2, 8, 300), random.beta(*((8, 2) if moved else (2, 8)), 300)]
    )
    spoilt = np.insert(values, [0, 100, 200], [np.nan, np.inf, -np.inf])
    one, many, clean = (BettingMean(limit=0.25, grid=300) for _ in range(3))
    for value in spoilt:
        one.update(value)
    many.update_many(spoilt)
    clean.update_many(values)
    assert one.result == many.result
    assert many.result.skipped == 3
    assert (many.result.low, many.result.high) == (clean.result.low, clean.result.high)
    assert (many.result.low is None) == moved


def test_a_mean_that_moves_is_an_error_and_not_a_narrow_interval():
    found = _read(np.concatenate([np.zeros(1000), np.ones(3000)]))
    assert (found.verdict, found.low, found.high) == (Verdict.ERROR, None, None)
    assert "moved" in found.reason


def test_once_no_mean_is_left_later_rows_of_the_same_array_show_nothing():
    values = np.concatenate([np.zeros(20), np.ones(480)])
    one, many = BettingMean(limit=0.5), BettingMean(limit=0.5)
    for value in values:
        one.update(value)
    many.update_many(values)
    assert one.result == many.result
    assert many.result.verdict is Verdict.ERROR


def test_a_fail_stays_until_reset():
    stream = BettingMean(limit=0.5)
    stream.update_many(np.ones(100))
    assert stream.result.verdict is Verdict.FAIL
    stream.update_many(np.zeros(3000))
    stream.update(2.0)
    assert stream.result.verdict is Verdict.FAIL
    stream.reset()
    assert stream.result.verdict is Verdict.INCONCLUSIVE
    stream.update_many(np.zeros(100))
    assert stream.result.verdict is Verdict.PASS


@pytest.mark.parametrize("value", [0.0, 0.35, 0.3333, 1.0])
def test_a_constant_ends_in_its_own_grid_cell(value):
    found = _read(np.full(60_000, value), limit=0.7)
    assert found.low <= value <= found.high
    assert found.high - found.low <= 0.0021


@pytest.mark.parametrize("values", [[], [np.nan] * 3, [0.2]])
def test_nothing_and_one_row_decide_nothing(values):
    assert _read(values, limit=0.5).verdict is Verdict.INCONCLUSIVE


def test_values_outside_the_bounds_are_an_error_but_no_alarm():
    found = _read([1e308, 1.5, -0.1], limit=0.5)
    assert (found.verdict, found.rows, found.estimate) == (Verdict.ERROR, 0, None)
    assert "3 values" in found.reason


@pytest.mark.parametrize(
    "wrong",
    [{"confidence": 1.0}, {"confidence": math.nan}, {"limit": 1.1}, {"grid": 1}, {"high": 0.0}],
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError):
        BettingMean(**wrong)


def test_the_estimate_is_never_outside_its_interval():
    stream = BettingMean()
    stream.update_many(np.random.default_rng(1).random(1500) < 0.1)
    held = 0
    for _ in range(300):
        stream.update(1.0)
        found = stream.result
        if found.low is not None:
            held += found.estimate == found.high
            assert found.low <= found.estimate <= found.high
    assert held > 0
