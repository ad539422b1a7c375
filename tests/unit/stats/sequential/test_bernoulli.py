import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta, norm

from homeostat.domain.verdict import Verdict
from homeostat.stats.sequential.bernoulli import (
    MAX_TRIALS,
    BernoulliRate,
    log_evidence,
    rate_interval,
)

THRESHOLD = math.log(20)


def _counts(rate, streams, horizon, seed):
    draws = np.random.default_rng(seed).random((streams, horizon)) < rate
    return np.cumsum(draws, axis=1), np.arange(1, horizon + 1)


def test_the_evidence_is_the_likelihood_under_the_prior_over_that_under_the_rate():
    for successes, trials, rate, prior in [(3, 10, 0.5, 0.5), (0, 7, 0.1, 2.0), (9, 9, 0.7, 1.0)]:

        def mixed(p, s=successes, n=trials, a=prior):
            return beta.pdf(p, a, a) * p**s * (1 - p) ** (n - s)

        under = rate**successes * (1 - rate) ** (trials - successes)
        reference = math.log(quad(mixed, 0, 0.5)[0] + quad(mixed, 0.5, 1)[0]) - math.log(under)
        found = float(log_evidence(successes, trials, rate, (prior, prior)))
        assert found == pytest.approx(reference, abs=1e-6)


def test_the_evidence_is_a_martingale_under_the_true_rate():
    rate, trials = 0.13, 40
    s = np.arange(trials)
    now = np.exp(log_evidence(s, trials - 1, rate))[:-1]
    after_one = np.exp(log_evidence(s + 1, trials, rate))[:-1]
    after_zero = np.exp(log_evidence(s, trials, rate))[:-1]
    assert rate * after_one + (1 - rate) * after_zero == pytest.approx(now, rel=1e-9)


@pytest.mark.parametrize("rate", [0.001, 0.02, 0.5, 0.97])
def test_looked_at_after_every_row_it_seldom_ever_misses_the_truth(rate):
    streams = 1000
    successes, trials = _counts(rate, streams, 3000, seed=round(rate * 1000))
    missed = (log_evidence(successes, trials, rate) >= THRESHOLD).any(axis=1).mean()
    assert missed <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / streams)


def test_an_interval_made_for_one_look_would_miss_far_too_often():
    successes, trials = _counts(0.5, 500, 3000, seed=5)
    z = np.abs(successes - trials / 2) / np.sqrt(trials / 4)
    assert (z[:, 30:] > 1.96).any(axis=1).mean() > 0.3


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (1, 3000), (40, 90), (90, 90), (7, 10)])
def test_the_interval_is_the_rates_with_little_evidence_against_them(successes, trials):
    low, high = rate_interval(successes, trials, 0.95)
    grid = np.concatenate([np.geomspace(1e-9, 0.5, 2000), 1 - np.geomspace(1e-9, 0.5, 2000)])
    kept = grid[log_evidence(successes, trials, grid) < THRESHOLD]
    inside = grid[(grid > low) & (grid < high)]
    assert sorted(kept) == sorted(inside)
    assert low <= successes / trials <= high


@pytest.mark.parametrize(("rate", "most"), [(0.5, 2.2), (0.05, 2.2), (0.001, 2.4)])
def test_at_ten_thousand_rows_it_is_about_twice_as_wide_as_for_one_look(rate, most):
    low, high = rate_interval(round(10_000 * rate), 10_000, 0.95)
    once = 2 * norm.ppf(0.975) * math.sqrt(rate * (1 - rate) / 10_000)
    assert 1.2 < (high - low) / once < most


def test_it_mirrors_and_it_narrows():
    low, high = rate_interval(30, 100, 0.95)
    assert (1 - high, 1 - low) == pytest.approx(rate_interval(70, 100, 0.95))
    wider = rate_interval(30, 100, 0.99)
    assert wider[0] < low
    assert wider[1] > high
    assert rate_interval(0, 1_000, 0.95)[1] < 0.01
    assert rate_interval(0, 0, 0.95) == (0.0, 1.0)


def test_as_many_rows_as_are_allowed_still_give_the_normal_width():
    low, high = rate_interval(MAX_TRIALS // 2, MAX_TRIALS, 0.95)
    evidence = math.log(20) + 0.5 * math.log(MAX_TRIALS * math.pi / 2)
    reach = math.sqrt(2 * evidence * 0.25 / MAX_TRIALS)
    assert (low, high) == pytest.approx((0.5 - reach, 0.5 + reach), abs=reach / 100)


@pytest.mark.parametrize("counts", [(-1, 5), (6, 5), (1, 10**13), (math.nan, 5), (1, math.inf)])
def test_counts_that_no_rows_can_have_are_refused(counts):
    with pytest.raises(ValueError, match="successes"):
        rate_interval(*counts, 0.95)


def test_parameters_out_of_range_are_refused():
    for confidence in (0.0, 1.0, math.nan, 95):
        with pytest.raises(ValueError, match="confidence"):
            rate_interval(1, 2, confidence)
    with pytest.raises(ValueError, match="prior"):
        BernoulliRate(prior=0.0)
    with pytest.raises(ValueError, match="limit"):
        BernoulliRate(limit=1.5)
    with pytest.raises(ValueError, match="shape"):
        BernoulliRate().update_many(np.zeros((2, 2)))


def test_a_rate_at_its_limit_seldom_fails_and_one_well_above_it_does():
    random = np.random.default_rng(3)
    alarms = power = 0
    for _ in range(400):
        at, above = BernoulliRate(limit=0.02), BernoulliRate(limit=0.02)
        at.update_many(random.random(2000) < 0.02)
        above.update_many(random.random(2000) < 0.05)
        alarms += at.result.verdict is Verdict.FAIL
        power += above.result.verdict is Verdict.FAIL
    assert alarms / 400 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    assert power / 400 > 0.95


def test_a_stream_says_what_it_saw():
    stream = BernoulliRate(limit=0.1)
    assert stream.result.verdict is Verdict.INCONCLUSIVE
    stream.update_many(np.zeros(1000))
    found = stream.result
    assert (found.verdict, found.rows, found.estimate) == (Verdict.PASS, 1000, 0.0)
    assert (found.low, found.high) == rate_interval(0, 1000, 0.95)
    stream.reset()
    assert stream.result.rows == 0


def test_a_fail_stays_although_the_rate_falls_again():
    stream = BernoulliRate(limit=0.1)
    stream.update_many(np.ones(50))
    stream.update_many(np.zeros(5000))
    found = stream.result
    assert found.verdict is Verdict.FAIL
    assert found.high < 0.1
    assert "was shown" in found.reason
    stream.reset()
    assert stream.result.verdict is Verdict.INCONCLUSIVE


def test_many_at_once_is_one_by_one_and_values_that_are_not_finite_change_nothing():
    values = (np.random.default_rng(4).random(300) < 0.3).astype(float)
    spoilt = np.insert(values, [0, 100, 200], [np.nan, np.inf, -np.inf])
    one, many, clean = (BernoulliRate(limit=0.2) for _ in range(3))
    for value in spoilt:
        one.update(value)
    many.update_many(spoilt)
    clean.update_many(values)
    assert one.result == many.result
    assert (many.result.skipped, clean.result.skipped) == (3, 0)
    assert (many.result.low, many.result.verdict) == (clean.result.low, clean.result.verdict)


def test_a_short_breach_in_the_middle_of_a_large_array_is_not_overlooked():
    values = np.concatenate([np.ones(30), np.zeros(200_000)])
    stream = BernoulliRate(limit=0.5)
    stream.update_many(values)
    assert (stream.result.verdict, stream.result.rows) == (Verdict.FAIL, values.size)


def test_it_fails_at_the_row_after_which_the_interval_is_above_the_limit():
    stream, above = BernoulliRate(limit=0.2), False
    for value in np.random.default_rng(6).random(500) < 0.35:
        stream.update(float(value))
        found = stream.result
        above = above or found.low > 0.2
        assert (found.verdict is Verdict.FAIL) == above
    assert above


def test_a_value_that_is_neither_0_nor_1_is_an_error_but_no_alarm():
    stream = BernoulliRate(limit=0.5)
    stream.update_many([0.5, 1e308, -1.0])
    assert (stream.result.verdict, stream.result.rows) == (Verdict.ERROR, 0)
    stream.update_many([0.0, 1.0])
    assert (stream.result.verdict, stream.result.estimate) == (Verdict.ERROR, 0.5)


@pytest.mark.parametrize("values", [[], [np.nan], [0.0], [1.0], [np.nan] * 5 + [1.0]])
def test_hardly_anything_decides_nothing(values):
    stream = BernoulliRate(limit=0.5)
    stream.update_many(values)
    assert stream.result.verdict is Verdict.INCONCLUSIVE
