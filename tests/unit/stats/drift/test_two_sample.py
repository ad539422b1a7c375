import math

import numpy as np
import pytest
from scipy.stats import chi2_contingency, ks_2samp

from homeostat.domain.verdict import Verdict
from homeostat.stats.drift.two_sample import (
    LEAST_EXPECTED,
    homogeneity_test,
    kolmogorov_smirnov_test,
)

TESTS = (kolmogorov_smirnov_test, homogeneity_test)


def bounded(rate, trials):
    """``rate`` and three standard deviations of the simulation."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / trials)


def alarms(results):
    found = list(results)
    return sum(result.verdict is Verdict.FAIL for result in found) / len(found)


@pytest.mark.parametrize("seed", range(20))
def test_ks_agrees_with_scipy(seed):
    random = np.random.default_rng(seed)
    one = random.normal(size=random.integers(20, 300)).round(seed % 3 + 1)
    other = random.normal(0.3, size=random.integers(20, 300)).round(seed % 3 + 1)
    expected = ks_2samp(one, other, method="asymp")
    found = kolmogorov_smirnov_test(one, other)
    assert (found.estimate, found.p_value) == pytest.approx((expected.statistic, expected.pvalue))
    assert found.rows == one.size + other.size
    shuffled = kolmogorov_smirnov_test(random.permutation(one), random.permutation(other))
    assert shuffled == found


@pytest.mark.parametrize("seed", range(20))
def test_homogeneity_agrees_with_scipy_when_nothing_is_pooled(seed):
    random = np.random.default_rng(seed)
    table = random.integers(12, 90, size=(2, 6))
    expected = chi2_contingency(table, correction=False)
    assert expected.expected_freq.min() >= LEAST_EXPECTED
    found = homogeneity_test(*table)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.estimate == pytest.approx(math.sqrt(expected.statistic / table.sum()))
    order = random.permutation(6)
    assert homogeneity_test(*table[:, order]).p_value == pytest.approx(found.p_value)


def test_small_bins_are_pooled_into_one():
    found = homogeneity_test([200, 100, 3, 4, 2, 0], [190, 105, 2, 1, 6, 0])
    expected = chi2_contingency([[200, 100, 9], [190, 105, 9]], correction=False)
    assert found.p_value == pytest.approx(expected.pvalue)


def test_a_pool_that_is_still_small_joins_the_smallest_bin():
    found = homogeneity_test([200, 100, 1, 1], [190, 125, 2, 1])
    expected = chi2_contingency([[200, 102], [190, 128]], correction=False)
    assert found.p_value == pytest.approx(expected.pvalue)


def test_ks_keeps_its_false_alarm_rate():
    random, trials = np.random.default_rng(1), 4000
    for sizes in ((20, 20), (60, 60), (1000, 50)):
        results = (
            kolmogorov_smirnov_test(random.normal(size=sizes[0]), random.normal(size=sizes[1]))
            for _ in range(trials)
        )
        assert 0.015 < alarms(results) <= bounded(0.05, trials)


def test_ks_is_conservative_with_ties():
    random, trials = np.random.default_rng(2), 2000
    pairs = random.integers(0, 3, size=(trials, 2, 100))
    assert alarms(kolmogorov_smirnov_test(*pair) for pair in pairs) < 0.03


def test_homogeneity_keeps_its_false_alarm_rate():
    random, trials = np.random.default_rng(3), 4000
    shares = np.array([0.4, 0.3, 0.2, 0.06, 0.03, 0.01])
    for sizes in ((60, 60), (100, 1000), (5000, 200)):
        tables = zip(
            random.multinomial(sizes[0], shares, size=trials),
            random.multinomial(sizes[1], shares, size=trials),
            strict=True,
        )
        found = alarms(homogeneity_test(*table) for table in tables)
        assert 0.03 < found <= bounded(0.05, trials)


def test_both_have_power():
    random, trials = np.random.default_rng(4), 300
    pairs = random.normal(size=(trials, 2, 200)) + np.array([[0.0], [0.5]])
    assert alarms(kolmogorov_smirnov_test(*pair) for pair in pairs) > 0.95
    after = random.multinomial(500, [0.4, 0.3, 0.3], size=trials)
    assert alarms(homogeneity_test([500, 300, 200], counts) for counts in after) > 0.95


def test_dependent_rows_need_their_design_effect():
    random, trials, times = np.random.default_rng(5), 2000, 5
    values = np.repeat(random.normal(size=(trials, 2, 60)), times, axis=2)  # each row five times
    counts = (values[:, :, :, None] > [-9, -0.5, 0.5]).sum(axis=2)
    counts[:, :, :2] -= counts[:, :, 1:]
    for test, pairs in zip(TESTS, (values, counts), strict=True):
        assert alarms(test(*pair) for pair in pairs) > 0.3
        rate = alarms(test(*pair, effective=1 / times) for pair in pairs)
        assert 0.02 < rate <= bounded(0.05, trials)


def test_the_bounds_of_ks_hold_the_true_difference():
    from scipy.stats import norm

    truth = 2 * norm.cdf(0.25) - 1  # of two normals half a deviation apart
    random = np.random.default_rng(6)
    pairs = random.normal(size=(1000, 2, 80)) + np.array([[0.0], [0.5]])
    found = [kolmogorov_smirnov_test(*pair) for pair in pairs]
    assert sum(result.low <= truth <= result.high for result in found) >= 950


def test_values_that_are_not_finite_neither_alarm_nor_silence():
    random = np.random.default_rng(7)
    one, other = random.normal(size=100), random.normal(1.0, size=100)
    clean = kolmogorov_smirnov_test(one, other)
    dirty = kolmogorov_smirnov_test(
        np.append(one, [np.nan, np.inf]), np.append(np.full(50, -np.inf), other)
    )
    assert (dirty.p_value, dirty.rows, dirty.skipped) == (clean.p_value, 200, 52)
    assert clean.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("one", "other"),
    [([], []), ([], [1.0]), ([1.0], [2.0]), ([np.nan] * 50, [np.nan] * 50), (range(19), [9] * 99)],
)
def test_too_few_rows_are_inconclusive(one, other):
    found = kolmogorov_smirnov_test(list(one), other)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason


def test_constants_ties_and_huge_values():
    assert kolmogorov_smirnov_test([1.0] * 30, [1.0] * 30).verdict is Verdict.PASS
    assert kolmogorov_smirnov_test([1.0] * 30, [2.0] * 30).verdict is Verdict.FAIL
    assert kolmogorov_smirnov_test([1e308] * 30, [-1e308] * 30).p_value < 1e-6


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ([], [], Verdict.INCONCLUSIVE),
        ([0, 0], [0, 0], Verdict.INCONCLUSIVE),
        ([9, 9], [0, 0], Verdict.INCONCLUSIVE),
        ([1, 0], [0, 1], Verdict.INCONCLUSIVE),
        ([12, 7], [500, 400], Verdict.INCONCLUSIVE),
        ([4, 16], [4, 16], Verdict.INCONCLUSIVE),
        ([40, 0], [70, 0], Verdict.PASS),
        ([9, 0], [9, 0], Verdict.INCONCLUSIVE),
        ([400, 0], [0, 700], Verdict.FAIL),
        ([2.0**52, 2.0**52], [2.0**52, 2.0**52], Verdict.PASS),
        ([1, -1], [50, 50], Verdict.ERROR),
        ([1, np.nan], [50, 50], Verdict.ERROR),
        ([1, np.inf], [50, 50], Verdict.ERROR),
        ([1e308, 1e308], [50, 50], Verdict.ERROR),
    ],
)
def test_the_edges_of_homogeneity(before, after, verdict):
    found = homogeneity_test(before, after)
    assert found.verdict is verdict
    assert found.reason


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize(
    "impossible",
    [{"alpha": 0.0}, {"alpha": 1.0}, {"alpha": np.nan}, {"effective": 0.0}, {"effective": 1.1}],
)
def test_impossible_parameters_are_refused(test, impossible):
    with pytest.raises(ValueError, match=next(iter(impossible))):
        test([50, 50], [50, 50], **impossible)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="shape"):
        kolmogorov_smirnov_test([[1.0]], [1.0])
    with pytest.raises(ValueError, match="shape"):
        homogeneity_test([1, 2], [1, 2, 3])


def test_a_tiny_share_of_independent_rows_asks_for_many_and_does_not_crash():
    found = kolmogorov_smirnov_test(np.arange(50.0), np.arange(50.0), effective=5e-324)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.rows_needed == 2**53
