import math

import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.stats.sequential.bernoulli import log_evidence, rate_interval
from homeostat.stats.sequential.two_rates import least_evidence, more_errors

THRESHOLD = math.log(20)


def _counts(rate, streams, horizon, random):
    return np.cumsum(random.random((streams, horizon)) < rate, axis=1)


def _slack(streams):
    return 3 * math.sqrt(0.05 * 0.95 / streams)


@pytest.mark.parametrize(
    "counts", [(3, 40, 9, 60), (0, 40, 0, 60), (40, 40, 0, 10), (1, 900, 300, 1000), (5, 9, 0, 0)]
)
def test_the_least_evidence_is_that_of_a_search_over_all_pairs(counts):
    e, n, f, m = counts
    for difference in (-0.4, -0.01, 0.0, 0.02, 0.3):
        q = np.linspace(max(0, -difference), min(1, 1 - difference), 200_001)[1:-1]
        pairs = log_evidence(e, n, q + difference) + log_evidence(f, m, q)
        found = float(least_evidence(*counts, difference))
        assert found <= pairs.min() + 1e-9
        assert found == pytest.approx(pairs.min(), abs=1e-3)


@pytest.mark.parametrize("rates", [(0.5, 0.5), (0.02, 0.01), (0.001, 0.001), (0.05, 0.2)])
def test_looked_at_after_every_pair_of_rows_it_seldom_ever_misses_the_difference(rates):
    streams, horizon = 200, 2000
    random = np.random.default_rng(round(1000 * sum(rates)))
    ours, theirs = (_counts(rate, streams, horizon, random) for rate in rates)
    trials = np.arange(1, horizon + 1)
    against = least_evidence(ours, trials, theirs, trials, rates[0] - rates[1])
    assert (against >= THRESHOLD).any(axis=1).mean() <= 0.05 + _slack(streams)


def test_arms_of_unequal_traffic_hold_the_rate_as_well():
    streams, horizon = 200, 2000
    random = np.random.default_rng(8)
    canary = random.random((streams, horizon)) < 0.1
    wrong = random.random((streams, horizon)) < 0.03
    n, e = np.cumsum(canary, axis=1), np.cumsum(canary & wrong, axis=1)
    m, f = np.cumsum(~canary, axis=1), np.cumsum(~canary & wrong, axis=1)
    against = least_evidence(e, n, f, m, 0.0)
    assert (against >= THRESHOLD).any(axis=1).mean() <= 0.05 + _slack(streams)


def test_a_challenger_that_errs_thrice_as_often_is_found_and_a_like_one_passes():
    random = np.random.default_rng(2)
    streams = 100
    worse = random.binomial(2000, 0.06, streams), random.binomial(2000, 0.02, streams)
    like = random.binomial(5000, 0.02, (2, streams))
    found = [
        more_errors((int(e), 2000), (int(f), 2000)).verdict for e, f in zip(*worse, strict=True)
    ]
    held = [
        more_errors((int(e), 5000), (int(f), 5000), margin=0.02).verdict
        for e, f in zip(*like, strict=True)
    ]
    assert found.count(Verdict.FAIL) >= 95
    assert held.count(Verdict.PASS) >= 95
    assert held.count(Verdict.FAIL) == 0


@pytest.mark.parametrize("counts", [(60, 1000, 10, 1000), (0, 50, 0, 50), (30, 30, 0, 30)])
def test_the_interval_is_the_differences_with_little_evidence_against_them(counts):
    found = more_errors(counts[:2], counts[2:])
    for end, inwards in ((found.low, 1e-6), (found.high, -1e-6)):
        assert least_evidence(*counts, end + inwards) < THRESHOLD
        assert abs(end) == 1 or least_evidence(*counts, end) >= THRESHOLD
    assert found.low < found.estimate <= found.high


def test_it_is_narrower_than_two_intervals_at_half_the_rate():
    for e, n, f, m in [(60, 1000, 10, 1000), (20, 1000, 180, 9000), (5000, 9999, 4999, 9999)]:
        ours, theirs = rate_interval(e, n, 0.975), rate_interval(f, m, 0.975)
        union = ours[1] - theirs[0] - (ours[0] - theirs[1])
        found = more_errors((e, n), (f, m))
        once = 2 * 1.96 * math.sqrt(e * (n - e) / n**3 + f * (m - f) / m**3)
        assert once < found.high - found.low < union
        assert found.high - found.low < 2.9 * once


def test_the_p_value_agrees_with_the_verdict():
    for errors in range(10, 80, 3):
        found = more_errors((errors, 1000), (10, 1000), margin=0.005)
        assert (found.p_value <= 0.05) == (found.verdict is Verdict.FAIL)
    assert more_errors((10, 1000), (60, 1000)).p_value == 1.0


def test_the_margin_moves_the_verdict():
    ours, theirs = (60, 1000), (10, 1000)
    verdicts = [more_errors(ours, theirs, margin=margin).verdict for margin in (0.01, 0.05, 0.1)]
    assert verdicts == [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS]


def test_the_rows_needed_are_enough_if_both_go_on_as_they_did():
    found = more_errors((12, 400), (4, 400))
    assert found.verdict is Verdict.INCONCLUSIVE
    factor = found.rows_needed / 800
    assert 1 < factor < 10
    more = [round(count * factor) for count in (12, 400, 4, 400)]
    assert more_errors((more[0], more[1]), (more[2], more[3])).verdict is Verdict.FAIL
    assert more_errors((10, 1000), (10, 1000)).rows_needed is None


@pytest.mark.parametrize("arms", [((0, 0), (0, 0)), ((0, 0), (3, 100)), ((100, 100), (0, 0))])
def test_an_arm_without_rows_decides_nothing(arms):
    found = more_errors(*arms, margin=0.5)
    assert (found.verdict, found.p_value) == (Verdict.INCONCLUSIVE, None)
    assert "rows of the challenger" in found.reason


def test_one_row_each_decides_nothing():
    for first in (0, 1):
        for second in (0, 1):
            assert more_errors((first, 1), (second, 1)).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "bad", [(-1, 5), (6, 5), (0.5, 5), (math.nan, 5), (1, math.inf), (1, 1e308)]
)
def test_counts_that_no_rows_can_have_are_an_error(bad):
    assert more_errors(bad, (1, 5)).verdict is Verdict.ERROR
    assert more_errors((1, 5), bad).verdict is Verdict.ERROR


def test_parameters_out_of_range_are_refused():
    for margin in (-0.01, 1.0, math.nan):
        with pytest.raises(ValueError, match="margin"):
            more_errors((1, 2), (1, 2), margin=margin)
    for rate in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="error_rate"):
            more_errors((1, 2), (1, 2), error_rate=rate)


def test_billions_of_rows_are_no_trouble():
    found = more_errors((2_000_000, 10**9), (2_100_000, 10**9), margin=0.0)
    assert found.verdict is Verdict.PASS
    assert found.low < -0.0001 < found.high
