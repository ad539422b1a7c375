import math

import numpy as np
import pytest
from scipy.stats import binom

from homeostat.domain.verdict import Verdict
from homeostat.stats.sequential.quantile import (
    quantile_interval,
    rank_interval,
    slower,
    too_slow,
)

HORIZON = 2000


def _slack(streams):
    return 0.05 + 3 * math.sqrt(0.05 * 0.95 / streams)


def _ranks(p, confidence=0.95, horizon=HORIZON):
    return np.array([rank_interval(rows, p, confidence) for rows in range(1, horizon + 1)]).T


@pytest.mark.parametrize("p", [0.5, 0.95, 0.99])
def test_looked_at_after_every_row_it_seldom_ever_misses_the_quantile(p):
    """The interval misses when fewer rows than the least, or more than the most, are below."""
    streams = 1000
    least, most = _ranks(p)
    below = np.cumsum(np.random.default_rng(1).random((streams, HORIZON)) <= p, axis=1)
    missed = ((below < least) | (below > most)).any(axis=1).mean()
    assert missed <= _slack(streams)


def test_ties_do_not_raise_the_error_rate():
    """Of values 0, 1, 2 with chances 0.3, 0.5, 0.2 the median is 1."""
    streams = 500
    least, most = _ranks(0.5)
    values = np.random.default_rng(2).choice(3, p=[0.3, 0.5, 0.2], size=(streams, HORIZON))
    above = np.cumsum(values <= 1, axis=1) < least
    under = np.cumsum(values < 1, axis=1) > most
    assert (above | under).any(axis=1).mean() <= _slack(streams)


def test_the_ends_are_the_values_of_the_ranks():
    random = np.random.default_rng(3)
    for rows, p in [(40, 0.5), (300, 0.9), (900, 0.99), (5, 0.5)]:
        values = random.lognormal(size=rows)
        least, most = rank_interval(rows, p, 0.95)
        ends = np.concatenate([[-np.inf], np.sort(values), [np.inf]])
        assert quantile_interval(values, p, 0.95) == (ends[least], ends[most + 1])


def test_it_mirrors():
    for rows in (3, 50, 1000):
        least, most = rank_interval(rows, 0.9, 0.95)
        assert rank_interval(rows, 0.1, 0.95) == (rows - most, rows - least)


@pytest.mark.parametrize("p", [0.5, 0.95, 0.99])
def test_at_ten_thousand_rows_it_is_about_twice_as_wide_as_for_one_look(p):
    least, most = rank_interval(10_000, p, 0.95)
    once = binom.ppf(0.975, 10_000, p) - binom.ppf(0.025, 10_000, p)
    assert 1.2 < (most - least) / once < 2.3


def test_few_rows_leave_an_end_open():
    values = np.random.default_rng(4).random(400)
    low, high = quantile_interval(values, 0.99, 0.95)
    assert math.isfinite(low)
    assert high == math.inf
    assert math.isfinite(quantile_interval(np.tile(values, 3), 0.99, 0.95)[1])
    assert quantile_interval([], 0.5, 0.95) == (-math.inf, math.inf)
    assert quantile_interval([7.0], 0.5, 0.95) == (-math.inf, math.inf)


def test_a_quantile_below_or_above_its_limit_is_shown():
    random = np.random.default_rng(5)
    truth = math.exp(1.6449)
    slow, fine = [], []
    for _ in range(100):
        latency = random.lognormal(size=3000)
        slow.append(too_slow(latency, 0.95, limit=truth * 0.75).verdict)
        fine.append(too_slow(latency, 0.95, limit=truth * 1.35).verdict)
    assert slow.count(Verdict.FAIL) >= 95
    assert fine.count(Verdict.PASS) >= 95


def test_a_slower_challenger_is_found_and_a_like_one_passes():
    random = np.random.default_rng(6)
    found, held = [], []
    for _ in range(100):
        champion = random.lognormal(size=3000)
        found.append(slower(random.lognormal(0.5, 1, size=3000), champion, 0.9).verdict)
        held.append(slower(random.lognormal(size=3000), champion, 0.9, margin=2.0).verdict)
    assert found.count(Verdict.FAIL) >= 95
    assert held.count(Verdict.PASS) >= 95
    assert held.count(Verdict.FAIL) == 0


def test_the_difference_is_the_union_of_two_intervals_at_half_the_rate():
    ours, theirs = np.random.default_rng(10).lognormal(size=(2, 800))
    found = slower(ours, theirs, 0.9, error_rate=0.1)
    (low, high), (other_low, other_high) = (quantile_interval(a, 0.9, 0.95) for a in (ours, theirs))
    assert (found.low, found.high) == pytest.approx((low - other_high, high - other_low))


def test_looked_at_often_a_like_challenger_seldom_ever_fails():
    """On uniform values the ends of both arms are order statistics: one look every 50 rows."""
    random, streams, p = np.random.default_rng(7), 200, 0.9
    failed = 0
    for _ in range(streams):
        ours, theirs = random.random((2, 1000))
        looks = range(50, 1001, 50)
        failed += any(slower(ours[:n], theirs[:n], p).verdict is Verdict.FAIL for n in looks)
    assert failed / streams <= _slack(streams)


def test_a_timeout_is_slower_than_anything():
    random = np.random.default_rng(8)
    latency = random.lognormal(size=1000)
    timeouts = np.where(random.random(1000) < 0.2, np.inf, latency)
    late = too_slow(timeouts, 0.95, limit=1e308)
    assert (late.verdict, late.estimate, late.low) == (Verdict.FAIL, None, None)
    assert (late.rows, late.skipped) == (1000, 0)
    assert slower(timeouts, latency, 0.95).verdict is Verdict.FAIL
    assert slower(latency, timeouts, 0.95).verdict is Verdict.PASS
    both = slower(timeouts, timeouts, 0.95)
    assert (both.verdict, both.estimate) == (Verdict.INCONCLUSIVE, None)


def test_values_that_are_not_numbers_change_nothing():
    values = np.random.default_rng(9).lognormal(size=500)
    spoilt = np.insert(values, [0, 100, 499], [np.nan, -np.inf, np.nan])
    clean, found = (too_slow(each, 0.5, limit=2.0) for each in (values, spoilt))
    assert (found.low, found.high, found.verdict) == (clean.low, clean.high, clean.verdict)
    assert (found.rows, found.skipped) == (500, 3)
    assert slower(spoilt, spoilt, 0.5).skipped == 6
    assert too_slow(values[::-1], 0.5, limit=2.0) == clean


@pytest.mark.parametrize("values", [[], [np.nan] * 9, [5.0], [5.0, np.nan]])
def test_hardly_anything_decides_nothing(values):
    assert too_slow(values, 0.5, limit=1.0).verdict is Verdict.INCONCLUSIVE
    assert slower(values, np.ones(1000), 0.5).verdict is Verdict.INCONCLUSIVE
    assert slower(np.ones(1000), values, 0.5).verdict is Verdict.INCONCLUSIVE


def test_constant_and_huge_values_are_ordinary_ones():
    assert too_slow(np.full(500, 3.0), 0.5, limit=3.0).verdict is Verdict.PASS
    assert slower(np.full(500, 3.0), np.full(500, 3.0), 0.5).verdict is Verdict.PASS
    huge = np.full(500, 1e308)
    assert slower(huge, -huge, 0.5).verdict is Verdict.FAIL
    assert slower(-huge, huge, 0.5).verdict is Verdict.PASS


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ValueError, match="p must"):
        quantile_interval([1.0], 1.0, 0.95)
    for confidence in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="confidence"):
            quantile_interval([1.0], 0.5, confidence)
    with pytest.raises(ValueError, match="limit"):
        too_slow([1.0], 0.5, limit=math.inf)
    for margin in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="margin"):
            slower([1.0], [1.0], 0.5, margin=margin)
    with pytest.raises(ValueError, match="shape"):
        too_slow(np.ones((2, 2)), 0.5, limit=1.0)
